"""Rule 110: rows of cells, and the rows that follow from them."""

from sleepviz.tasks.family import TaskFamily
from sleepviz.tasks.rule110.examples import EXAMPLES, home
from sleepviz.tasks.rule110.paper import Rule110Paper
from sleepviz.tasks.rule110.presets import presets
from sleepviz.tasks.rule110.study import STUDY
from sleepviz.tasks.rule110.task import Rule110

FAMILY = TaskFamily(Rule110, tuple(presets()), STUDY, home, EXAMPLES, variants=(Rule110Paper,))
