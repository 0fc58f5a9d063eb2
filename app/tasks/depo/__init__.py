"""Depo: a graph to paste or click together, drawn with the grid of every start and number of hops."""
