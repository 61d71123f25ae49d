"""Work that has to wait now and then, in one thread: while one waits, the others go on."""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterable
from itertools import count
from typing import TypeVar

from dynamodb_restore.pace import Pace

_T = TypeVar("_T")
WaitingWork = Generator[float, None, _T]
"""Work that yields how many seconds it has to wait, each time that it has to, and returns its result."""


def take_turns(works: Iterable[WaitingWork[None]], pace: Pace) -> None:
    """Do all work to its end: each until it waits, then whichever is due first."""

    def now() -> float:
        return -pace.remaining_seconds()

    turns = count()
    due = [(now(), next(turns), work) for work in works]
    while due:
        when, _, work = heapq.heappop(due)
        early = when - now()
        if early > 0:
            pace.sleep(early)
        try:
            delay = next(work)
        except StopIteration:
            continue
        heapq.heappush(due, (now() + delay, next(turns), work))
