"""Arithmetic: one model, small sums in no order, and what a variable is worth."""

from app.stage import page

page.show("gsm")
