"""Digits: images on a ring, and the digit where some jumps lead."""

from app.stage import page

page.show("digits")
