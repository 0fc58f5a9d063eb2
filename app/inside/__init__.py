"""The page Inside: one head of the fast weights under a microscope."""
