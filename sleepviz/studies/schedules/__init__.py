"""When to sleep: schedules compared at equal numbers of passes. `python -m sleepviz schedules` measures them."""
