"""Text: a page of plain English is read, slept on and forgotten; then a question of one to six hops is asked."""

from sleepviz.tasks.family import TaskFamily
from sleepviz.tasks.text.examples import EXAMPLES, home
from sleepviz.tasks.text.presets import presets
from sleepviz.tasks.text.study import STUDY
from sleepviz.tasks.text.task import Text

FAMILY = TaskFamily(Text, tuple(presets()), STUDY, home, EXAMPLES)
