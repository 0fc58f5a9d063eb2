"""Depo: hops along a directed cycle whose edges were read before sleep."""
