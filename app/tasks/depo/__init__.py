"""Depo: a graph to paste or click together, drawn with the grid of every start and number of hops."""

from app.tasks.base import TaskPage
from app.tasks.depo.form import DepoForm
from app.tasks.depo.picture import DepoPicture
from app.tasks.depo.scored import scored
from app.tasks.depo.words import WORDS
from app.tasks.starts import keys_of

PAGE = TaskPage(
    task="depo",
    title="Graph",
    icon=":material/hub:",
    url="graph",
    form=DepoForm(),
    picture=DepoPicture,
    words=WORDS,
    example='{"edges": [["a","b"],["c","d"],["b","c"],["d","a"]], "start": "a", "hops": 2}',
    called="Graph",
    unit="hop",
    start=lambda given: str(given["start"]),
    place=2,
    keys=keys_of("hop"),
    scored=scored,
)
