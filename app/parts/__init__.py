"""Small parts that several pages draw or write: a menu of the engine's words, a table, an amount with its unit."""
