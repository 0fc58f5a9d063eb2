"""GSM: values of variables, from assignments that were read before sleep."""

from sleepviz.tasks.family import TaskFamily
from sleepviz.tasks.gsm.examples import EXAMPLES, home
from sleepviz.tasks.gsm.presets import presets
from sleepviz.tasks.gsm.study import STUDY
from sleepviz.tasks.gsm.task import Gsm

FAMILY = TaskFamily(Gsm, tuple(presets()), STUDY, home, EXAMPLES)
