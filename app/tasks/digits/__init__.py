"""Digits: images to pick or to draw, struck out as they are forgotten, and the jumps from one to another."""

from app.tasks.base import TaskPage
from app.tasks.digits.form import DigitsForm
from app.tasks.digits.picture import DigitsPicture
from app.tasks.digits.scored import scored
from app.tasks.digits.words import WORDS
from app.tasks.starts import keys_of

PAGE = TaskPage(
    task="digits",
    title="Digits",
    icon=":material/looks_5:",
    url="digits",
    form=DigitsForm(),
    picture=DigitsPicture,
    words=WORDS,
    example='{"digits": [1494, 325, 653, 130, 1125, 645, 35, 835], "start": 1, "jumps": 2}',
    unit="jump",
    start=lambda given: f"image {given['start']}",
    place=5,
    keys=keys_of("jump"),
    scored=scored,
)
