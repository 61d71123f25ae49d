"""Which histories a run lives through: the seeds from 0 on, or the one that is asked for."""

from __future__ import annotations

import os

HISTORIES = int(os.environ.get("SIMULATION_HISTORIES", "300"))
ONE_SEED = os.environ.get("SIMULATION_SEED")


def told() -> str:
    """What a run does, in one line."""
    if ONE_SEED is not None:
        return f"simulation: SIMULATION_SEED={ONE_SEED}"
    return f"simulation: the histories of the seeds 0 to {HISTORIES - 1}; SIMULATION_SEED=… runs one again"
