"""Those who wait for the server: the line that they stand in, and whether they are still there."""
