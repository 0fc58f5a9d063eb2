"""What is measured of Text, and how its tables are headed."""

from sleepviz.tasks.family import Study

STUDY = Study(
    symbol="hops",
    columns=tuple(range(1, 7)),
    passes=(1, 2, 3, 4, 6, 8),
    control_passes=4,
    baselines={"answers-n1": "n1_same_tokens"},
)
