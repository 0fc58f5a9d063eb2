"""Depo: hops along a directed cycle whose edges were read before sleep."""

from sleepviz.tasks.depo.examples import EXAMPLES, home
from sleepviz.tasks.depo.presets import presets
from sleepviz.tasks.depo.study import STUDY
from sleepviz.tasks.depo.task import Depo
from sleepviz.tasks.family import TaskFamily

FAMILY = TaskFamily(Depo, tuple(presets()), STUDY, home, EXAMPLES)
