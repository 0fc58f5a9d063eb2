"""Every published figure: what is measured, the queue that measures it, and the tables."""
