"""Digits: images of digits on a ring are read and forgotten; then, which digit stands where some jumps lead?"""

from sleepviz.tasks.digits.examples import EXAMPLES, home
from sleepviz.tasks.digits.presets import presets
from sleepviz.tasks.digits.study import STUDY
from sleepviz.tasks.digits.task import Digits
from sleepviz.tasks.family import TaskFamily

FAMILY = TaskFamily(Digits, tuple(presets()), STUDY, home, EXAMPLES)
