"""The page Cost: what sleep takes and what it saves."""
