"""How much is tried: a few hundred inputs, always the same, or as many others as are asked for.

`FUZZ_EXAMPLES=5000` tries that many of each kind, drawn by `FUZZ_SEED`, or by a seed of its own where none is given;
pytest's first lines name it.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import HealthCheck, seed, settings

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
if EXAMPLES:
    # In the environment, so that all processes of one run have the same.
    os.environ.setdefault("FUZZ_SEED", str(random.SystemRandom().randrange(2**32)))
SEED = os.environ.get("FUZZ_SEED")

_Test = TypeVar("_Test", bound=Callable[..., Any])


@dataclass
class Tried:
    """The inputs that a test has tried, by what became of them."""

    endings: Counter[str] = field(default_factory=Counter)

    def one(self, ending: str) -> None:
        self.endings[ending] += 1

    def check_variety(self, *endings: str) -> None:
        """Make sure that each of these was among them: input that always ends alike proves little."""
        assert self.endings.keys() >= set(endings), self.endings


def fuzzed(quick: int) -> Callable[[_Test], _Test]:
    """Give a property test its share of the effort.

    Args:
        quick: inputs where nothing else is asked for.
    """
    chosen = settings(
        max_examples=EXAMPLES or quick,
        derandomize=SEED is None,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )

    def decorate(test: _Test) -> _Test:
        return chosen(test if SEED is None else seed(int(SEED))(test))

    return decorate


def told() -> str:
    """What a run does, in one line."""
    if SEED is None:
        return "fuzz: the same inputs every time; FUZZ_EXAMPLES=5000 tries others"
    return f"fuzz: FUZZ_EXAMPLES={EXAMPLES} FUZZ_SEED={SEED}"
