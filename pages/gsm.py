"""Arithmetic: one model, small sums in no order, and what a variable is worth."""

from app import stage
from app.forms.gsm import GsmForm

stage.show(GsmForm())
