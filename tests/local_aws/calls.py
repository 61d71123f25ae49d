"""Every AWS call that passed the gateway, and questions about them.

A call's caller is what the credentials say. ministack is started so that each function signs with a
session token of its own (see ministack_iam.py); everyone else signs with an access key that
is the caller's name ("tests", "terraform"). So a count of "the worker's calls" is exact.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from typing_extensions import override

Answer = TypeVar("Answer")

FUNCTION_PREFIX = "function/"
# A condition is mostly asked by calls of its own: without a pause, asking takes the time of what is waited for.
SHORTEST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.2
READ_ONLY_PREFIXES = ("BatchGet", "Describe", "Get", "Head", "List", "Query", "Receive", "Scan")


@dataclass(frozen=True)
class Call:
    number: int
    started: float
    seconds: float
    service: str
    operation: str
    caller: str
    region: str
    resource: str
    parameters: Mapping[str, Any]
    status: int
    error: str

    @property
    def by_function(self) -> bool:
        return self.caller.startswith(FUNCTION_PREFIX)

    @property
    def mutating(self) -> bool:
        return not self.operation.startswith(READ_ONLY_PREFIXES)

    @override
    def __str__(self) -> str:
        outcome = self.error or str(self.status)
        return f"{self.caller} {self.service}:{self.operation} {self.resource} -> {outcome}"


class CallLog:
    """A thread-safe list of calls that can be counted, searched and waited on."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls: list[Call] = []
        # Never set: waiting for it is a pause that an interrupt ends.
        self._pause = threading.Event()

    def add(self, call: Callable[[int], Call]) -> None:
        """Append a call; it is built here because its number is its place in the log."""
        with self._changed:
            self._calls.append(call(len(self._calls)))
            self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            self._calls.clear()

    def mark(self) -> int:
        """A place in the log, to ask later only for what came after it."""
        with self._changed:
            return len(self._calls)

    def find(
        self,
        *,
        since: int = 0,
        caller: str | None = None,
        by_function: bool | None = None,
        service: str | None = None,
        operation: str | None = None,
        resource: str | None = None,
        region: str | None = None,
        mutating: bool | None = None,
        where: Callable[[Call], bool] = lambda call: True,
    ) -> list[Call]:
        """The calls that match all that is asked; a name that ends in * matches its beginning."""
        with self._changed:
            calls = self._calls[since:]
        return [
            call
            for call in calls
            if _matches(caller, call.caller)
            and _matches(service, call.service)
            and _matches(operation, call.operation)
            and _matches(resource, call.resource)
            and _matches(region, call.region)
            and by_function in (None, call.by_function)
            and mutating in (None, call.mutating)
            and where(call)
        ]

    def wait_until(
        self,
        condition: Callable[[], Answer | None],
        *,
        timeout: float,
        what: str,
        every: float = SHORTEST_PAUSE_SECONDS,
    ) -> Answer:
        """The condition's first answer that is not empty.

        The condition is asked again whenever a call has passed the gateway, and a few times a second for
        what changes without one; so a test ends as soon as it can and never sleeps for a guessed time.

        Args:
            condition: what is waited for.
            timeout: after how many seconds to give up. A condition that holds is seen at once, so the limit may be
                generous: machines are busy.
            what: what was not seen, for who reads of it.
            every: the fewest seconds between an answer and the next question; more for a condition that costs much to
                ask, such as by invoking a function.

        Raises:
            TimeoutError: it did not hold in time.
        """
        deadline = time.monotonic() + timeout
        while True:
            answer = condition()
            if answer:
                return answer
            # Marked after the condition was asked, for its own calls are in the log too.
            seen = self.mark()
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError(f"after {timeout:g} seconds still not seen: {what}")
            self._pause.wait(min(remaining, every))
            with self._changed:
                if len(self._calls) == seen:
                    self._changed.wait(min(remaining, LONGEST_PAUSE_SECONDS))


def _matches(pattern: str | None, value: str) -> bool:
    if pattern is None:
        return True
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern
