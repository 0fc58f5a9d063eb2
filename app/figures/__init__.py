"""Pure functions: events or results -> plotly Figure. No streamlit, no torch."""

from app.figures.accuracy import accuracy_figure, accuracy_summary, difficulties_shown
from app.figures.drift import drift_figure
from app.figures.retention import retention_figure

__all__ = ["accuracy_figure", "accuracy_summary", "difficulties_shown", "drift_figure", "retention_figure"]
