"""Text: a document struck out as it is forgotten, and the chain of people that a question follows."""

from app.tasks.base import TaskPage
from app.tasks.text.form import TextForm
from app.tasks.text.picture import TextPicture
from app.tasks.text.scored import scored
from app.tasks.text.words import WORDS
from sleepviz.tasks.text.story import question_read

PAGE = TaskPage(
    task="text",
    title="Story",
    icon=":material/auto_stories:",
    url="story",
    form=TextForm(),
    picture=TextPicture,
    words=WORDS,
    example='{"document": "The cook of Ana is Ben. The nurse of Ben is Leo.", "question": "Who is the cook of Ana?"}',
    called="Story",
    unit="hop",
    start=lambda given: question_read(str(given["question"]))[1],
    place=0,
    scored=scored,
)
