"""What AWS leaves open: in which order, how much of a batch, how late a count is right."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from typing_extensions import override

_Thing = TypeVar("_Thing")


class Choices:
    """Nothing surprising: all of it, in order, at once."""

    def processed(self, requests: Sequence[_Thing]) -> tuple[list[_Thing], list[_Thing]]:
        """What of a DynamoDB batch is dealt with, and what is left unprocessed."""
        return list(requests), []

    def shuffled(self, things: list[_Thing]) -> list[_Thing]:
        """Things whose order AWS does not promise."""
        return things

    def entry_fails(self) -> bool:
        """Whether one entry of an SQS batch is not accepted."""
        return False

    def answer_for_entry_is_lost(self) -> bool:
        """Whether an entry of an SQS batch is reported as failed although it was accepted."""
        return False

    def groups(self, free: Sequence[str]) -> set[str]:
        """From which groups a FIFO queue gives messages."""
        return set(free)

    def at_most(self, most: int) -> int:
        """How many of at most so many there are in one batch, at least one."""
        return most

    def between(self, low: float, high: float) -> float:
        """A length of time, in seconds: the one that is nearest to none at all."""
        return max(low, min(high, 0.0))

    def deletion_is_lost(self) -> bool:
        """Whether SQS keeps a message that was deleted (docs.aws.amazon.com/AWSSimpleQueueService/latest/
        APIReference/API_DeleteMessage.html)."""
        return False

    def checkpoint_is_lost(self) -> bool:
        """Whether Lambda delivers stream records again that it has delivered with success."""
        return False

    def portion(self, *sizes: Any) -> Any:
        """How large the next batch of a shard is after a failure; the last is what happens when nothing is chosen."""
        return sizes[-1]


@dataclass
class RandomChoices(Choices):
    """All of it by chance.

    Attributes:
        unkind: whether AWS does what it may do and seldom does: parts left undone, answers and deletions lost.
    """

    rng: random.Random
    unkind: bool = False
    loses_answers: bool = True
    loses_deletions: bool = True

    def _seldom(self, share: float) -> bool:
        return self.unkind and self.rng.random() < share

    @override
    def processed(self, requests: Sequence[_Thing]) -> tuple[list[_Thing], list[_Thing]]:
        mixed = self.shuffled(list(requests))
        kept = self.rng.randint(0, len(mixed)) if self._seldom(0.15) else len(mixed)
        return mixed[:kept], mixed[kept:]

    @override
    def shuffled(self, things: list[_Thing]) -> list[_Thing]:
        self.rng.shuffle(things)
        return things

    @override
    def entry_fails(self) -> bool:
        return self._seldom(0.05)

    @override
    def answer_for_entry_is_lost(self) -> bool:
        return self.loses_answers and self._seldom(0.02)

    @override
    def groups(self, free: Sequence[str]) -> set[str]:
        return set(self.rng.sample(free, self.rng.randint(1, len(free)))) if free else set()

    @override
    def at_most(self, most: int) -> int:
        return self.rng.randint(1, most)

    @override
    def between(self, low: float, high: float) -> float:
        return self.rng.uniform(low, high)

    @override
    def deletion_is_lost(self) -> bool:
        return self.loses_deletions and self._seldom(0.05)

    @override
    def checkpoint_is_lost(self) -> bool:
        return self._seldom(0.03)

    @override
    def portion(self, *sizes: Any) -> Any:
        return self.rng.choice(sizes)
