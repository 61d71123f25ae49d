"""Reading settings: what the source has of them, and any look at a table that is tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from dynamodb_restore.aws import AwsError, ErrorClass, classify, explain, retry_after, was_not_answered
from dynamodb_restore.backoff import Backoff
from dynamodb_restore.pace import AFTER_A_WAIT_SECONDS, Pace
from dynamodb_restore.settings.setting import Setting, State, Table

POLL = Backoff(base_seconds=0.25, rate=2, cap_seconds=8, jitter=0.5)
"""Between two looks at something that AWS is carrying out, or two tries of a call that AWS asks to repeat."""

_READ_TRIES = 3
"""Of one setting, before it is given up for this delivery: a reading that fails costs the whole setting."""


@dataclass(frozen=True)
class Unreadable:
    """A setting of the source that could not be read, and why.

    Attributes:
        gone: whether that is because the source does not exist any more.
    """

    reason: str
    retryable: bool
    gone: bool = False


Desired = Mapping[str, State | Unreadable]
"""Setting name to the source's portable state; a name that is missing has not been read."""

_T = TypeVar("_T")


def read_settings(
    settings: Iterable[Setting],
    source: Table,
    pace: Pace,
    keep: Callable[[str, State], object] = lambda name, state: None,
) -> dict[str, State | Unreadable]:
    """Read the portable state of each setting from `source`; one that fails does not stop the others.

    Args:
        keep: is given each state as soon as it is read.

    Raises:
        TableGoneError: the source does not exist.
    """
    # Asked first, because the other calls answer "not found" for a table that is merely busy.
    source.describe()
    states: dict[str, State | Unreadable] = {}
    for setting in settings:
        try:
            state = retry_reading(partial(setting.read, source), pace).state
        except AwsError as error:
            states[setting.name] = Unreadable(explain(error), classify(error) is ErrorClass.RETRY)
            continue
        states[setting.name] = state
        keep(setting.name, state)
    return states


def retry_reading(read: Callable[[], _T], pace: Pace) -> _T:
    """What a reading gives, tried again where AWS asks for that; what was not answered twice is left to the next delivery.

    Raises:
        ClientError, BotoCoreError, TableGoneError: from the last try.
    """
    unanswered = 0
    for attempt in range(1, _READ_TRIES):
        try:
            return read()
        except AwsError as error:
            unanswered += was_not_answered(error)
            delay = max(POLL.delay(attempt, pace.rng), retry_after(error) or 0.0)
            if (
                classify(error) is not ErrorClass.RETRY
                or unanswered > 1
                or pace.remaining_seconds() - delay <= AFTER_A_WAIT_SECONDS
            ):
                raise
            pace.sleep(delay)
    return read()
