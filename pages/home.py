"""Watch: one model, a row of cells, N passes of sleep."""

from app.stage import page
from app.tasks.rule110.form import Rule110Form

page.show(Rule110Form())
