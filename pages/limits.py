"""Limits and open questions: what the paper left open, and what was measured here."""

from app.learn import limits_page

limits_page.show()
