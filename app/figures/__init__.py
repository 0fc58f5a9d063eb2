"""Pure functions: events or results -> plotly Figure. No streamlit, no torch."""

from app.figures.accuracy import accuracy_figure, accuracy_summary, difficulties_shown
from app.figures.baselines import baselines_figure
from app.figures.costs import memory_figure, questions_figure, times_figure
from app.figures.drift import drift_figure
from app.figures.halting import halting_figure, schedules_figure
from app.figures.heatmap import heatmap_figure, heatmap_summary
from app.figures.over_windows import windows_figure
from app.figures.perplexity import perplexity_figure
from app.figures.series import series_figure

__all__ = [
    "accuracy_figure",
    "accuracy_summary",
    "baselines_figure",
    "difficulties_shown",
    "drift_figure",
    "halting_figure",
    "heatmap_figure",
    "heatmap_summary",
    "memory_figure",
    "perplexity_figure",
    "questions_figure",
    "schedules_figure",
    "series_figure",
    "times_figure",
    "windows_figure",
]
