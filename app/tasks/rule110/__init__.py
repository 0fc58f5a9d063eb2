"""Rule 110: rows of cells to click, and the answered rows beside the true diagram."""
