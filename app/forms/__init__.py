"""What each task lets a visitor ask: its own controls, presets and links. What all share is in app/controls.py."""
