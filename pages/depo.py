"""Graph: one model, the edges of a graph in no order, and where one is k hops from a start."""

from app import stage
from app.forms.depo import DepoForm

stage.show(DepoForm())
