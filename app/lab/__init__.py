"""The Lab: what was measured, in full, with its intervals; what contradicts the paper; and the visitor's own sweep."""
