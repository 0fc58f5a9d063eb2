"""GSM: a text of assignments, drawn as variables by depth with the value that each would get."""

from app.tasks.base import TaskPage
from app.tasks.gsm.form import GsmForm
from app.tasks.gsm.picture import GsmPicture
from app.tasks.gsm.scored import scored
from app.tasks.gsm.words import WORDS

PAGE = TaskPage(
    task="gsm",
    title="Arithmetic",
    icon=":material/calculate:",
    url="arithmetic",
    form=GsmForm(),
    picture=GsmPicture,
    words=WORDS,
    example='{"text": "assign b = a + 1. assign a = 7.", "question": "b"}',
    called="Arithmetic",
    unit="operation",
    start=lambda given: "a given number",
    place=3,
    scored=scored,
)
