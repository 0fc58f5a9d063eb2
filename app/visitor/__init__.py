"""A visitor without a browser, and what such a visitor is for: to see whether a server works."""
