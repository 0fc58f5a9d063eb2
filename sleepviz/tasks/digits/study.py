"""What is measured of Digits, and how its tables are headed."""

from sleepviz.tasks.family import Study

STUDY = Study(
    symbol="jumps",
    columns=tuple(range(5)),
    passes=(1, 2, 3, 4, 6, 8),
    control_passes=3,
    baselines={"answers-n1": "n1_same_tokens"},
)
