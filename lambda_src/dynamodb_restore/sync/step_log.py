"""What a run tells about its steps, to whoever keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

Plan = Mapping[str, Sequence[str]]
"""Setting name to the summaries of steps."""


class StepLog(Protocol):
    """Who is told of each step before it is taken, and once its end is known."""

    def planned(self, plan: Plan) -> None:
        """These are about to be taken."""
        ...

    def done(self, setting: str, step: str) -> None:
        """AWS has taken a step."""
        ...

    def not_done(self, setting: str, step: str) -> None:
        """A step was not taken: AWS refused it, or what it makes was there already."""
        ...


class NoStepLog:
    """A `StepLog` that keeps nothing."""

    def planned(self, plan: Plan) -> None:
        pass

    def done(self, setting: str, step: str) -> None:
        pass

    def not_done(self, setting: str, step: str) -> None:
        pass
