"""What is measured of Digits, and how its tables are headed."""

from sleepviz.tasks.family import Study

# Each jump reads one more image. The nearest training image shows the right digit for 94.6 % of the images kept, so a
# reader as good as that is right on 0.946^5 = 76 % of the hardest questions, four jumps.
SOLVED = 0.75

STUDY = Study(
    symbol="jumps",
    columns=tuple(range(5)),
    passes=(1, 2, 3, 4, 6, 8),
    control_passes=3,
    control_difficulties=(0, 1, 2, 3),
    solved=SOLVED,
    baselines={"answers-n1": "n1_same_tokens"},
)
