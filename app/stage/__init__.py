"""What every task's page shares: controls, the run that is shown, where it comes from, and its numbers."""
