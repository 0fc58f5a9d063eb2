"""What belongs to the evidence on several tasks; a task's words choose from these and add their own."""

from __future__ import annotations

from app.tasks.base import Evidence

FIRST = (
    Evidence("accuracy", "any_n", "accuracy over N and difficulty"),
    Evidence("baseline", "n1_same_tokens", "N = 1 with the same training tokens"),
    Evidence("baseline", "oracle", "full attention that never evicts"),
)
FLOPS = (Evidence("baseline", "n1_same_flops", "N = 1 with the same training FLOPs"),)
CONTROLS = (
    Evidence("control", "zero_state", "S wiped before waking"),
    Evidence("control", "shuffled_state", "another run's S"),
    Evidence("control", "replay", "pass 1 replayed"),
    Evidence("control", "reset_state", "S reset before each pass"),
    Evidence("control", "untrained", "untrained weights"),
)
HALTING = (
    Evidence("halting", "fixed_n", "fixed N for halting"),
    Evidence("halting", "drift_halting", "halting on drift"),
)
ATTENTION = (Evidence("attention", "", "causal against full attention asleep"),)
PROBE = (Evidence("probe", "", "a linear probe of S after each pass"),)
SEED = (Evidence("second_seed", "", "a second training seed"),)
COST = (Evidence("cost", "", "the cost of sleep and waking against N"),)
