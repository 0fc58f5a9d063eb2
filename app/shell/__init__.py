"""What every page stands on: a visitor's state, the queue of runs, recorded runs and results, theme and uploads."""
