"""Graph: one model, the edges of a graph in no order, and where one is k hops from a start."""

from app.stage import page

page.show("depo")
