"""Graph: one model, the edges of a graph in shuffled order, and the node k hops from a start."""

from app.stage import page

page.show("depo")
