"""Watch: one model, a row of cells, N passes of sleep."""

from app.stage import page

page.show("rule110")
