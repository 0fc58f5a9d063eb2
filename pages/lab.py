"""Lab: every measured number with its interval, and the visitor's own measurements."""

from app.lab import page

page.show()
