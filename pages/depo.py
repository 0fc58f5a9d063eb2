"""Graph: one model, the edges of a graph in no order, and where one is k hops from a start."""

from app.stage import page
from app.tasks.depo.form import DepoForm

page.show(DepoForm())
