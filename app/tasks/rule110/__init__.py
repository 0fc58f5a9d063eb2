"""Rule 110: rows of cells to click, and the answered rows beside the true diagram."""

from app.tasks.base import TaskPage
from app.tasks.rule110.form import Rule110Form
from app.tasks.rule110.picture import Rule110Picture
from app.tasks.rule110.rule import show as show_rule
from app.tasks.rule110.scored import scored
from app.tasks.rule110.words import WORDS

PAGE = TaskPage(
    task="rule110",
    title="Watch",
    icon=":material/bedtime:",
    url="watch",
    form=Rule110Form(),
    picture=Rule110Picture,
    words=WORDS,
    example='{"rows": ["0110100110010110"], "steps": 4}',
    called="Rule 110",
    unit="step",
    start=lambda given: str(given["rows"][0]),
    legend=show_rule,
    place=1,
    scored=scored,
)
