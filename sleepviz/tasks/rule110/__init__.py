"""Rule 110: rows of cells, and the rows that follow from them."""
