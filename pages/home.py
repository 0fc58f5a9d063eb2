"""Watch: one model, a row of cells, N passes of sleep."""

from app import stage
from app.forms.rule110 import Rule110Form

stage.show(Rule110Form())
