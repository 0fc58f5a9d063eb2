"""Arithmetic: one model, assignments in shuffled order, and the value of a variable."""

from app.stage import page

page.show("gsm")
