"""Which calls get a fault in this run."""

from __future__ import annotations

import os

ONE_IN = 1 if os.environ.get("FAULTS") == "all" else 10
SEED = int(os.environ["FAULTS_SEED"])


class Share:
    """Draws the same calls for the same seed."""

    def of(self, calls: int, part: int) -> range:
        """The numbers of the calls that get a fault.

        Args:
            part: numbers the modes, so that each gets other calls.
        """
        return range((SEED + part) % ONE_IN, calls, ONE_IN)

    def histories(self, most: int) -> range:
        """The seeds of histories, of which there are at most so many."""
        count = max(1, most // (ONE_IN * 2)) if ONE_IN > 1 else most
        first = 0 if ONE_IN == 1 else SEED
        return range(first, first + count)
