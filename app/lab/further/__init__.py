"""What the experiments without a section of their own say, in sentences computed from their results."""
