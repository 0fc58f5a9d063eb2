"""Arithmetic: one model, small sums in no order, and what a variable is worth."""

from app.stage import page
from app.tasks.gsm.form import GsmForm

page.show(GsmForm())
