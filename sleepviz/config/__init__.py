"""Frozen, validated settings and records; no torch. A glossary stands in `model`."""
