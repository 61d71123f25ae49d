"""An endpoint that hangs from some call on: no timeout is free here, each takes as long as the real client's.

For every call of a restore, its endpoint does not answer from that call on until the delivery has ended. The delivery ends
within the function's time, what it had read of the source is on record, and the next ones reach the same end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.aws.hazards import Attempt, Fault, Mode
from tests.faults.actions import ACTIONS, Action
from tests.faults.baseline import Baseline, baseline_of
from tests.faults.estate import RESTORE_TABLE
from tests.faults.functions import Functions, World
from tests.faults.oracle import as_seen, begins_too_late, end_of
from tests.faults.share import Share
from tests.faults.test_faults import fail_with, problems

Recorder = Callable[[str, object], None]

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

RESTORES = [action for action in ACTIONS if action.name in ("restore", "restore on demand")]
"""Where changes are replayed, a setting that could not be applied is no reason to wait: it is reported, and left to cutover,
so that the end is another one."""

_MODES = (Mode.TIMED_OUT, Mode.UNREACHABLE)


def kept(world: World) -> frozenset[str]:
    """The names of the source's states that are on record."""
    items = world.account.items.tables[RESTORE_TABLE].items.values()
    return frozenset(name for item in items for name in item.get("settings", {}).get("M", {}))


@dataclass
class Watch:
    """What was on record when each call was made; nothing goes wrong.

    Attributes:
        kept: by the call's number.
    """

    world: World
    kept: list[frozenset[str]]

    def __call__(self, attempt: Attempt) -> None:
        self.kept.append(kept(self.world))


@dataclass
class Silence:
    """The endpoint of one call does not answer from there on, until the invocation has ended.

    Attributes:
        number: of the first call.
        endpoint, invocation: those of that call, once it has come.
        kept: what was on record when the invocation had ended; None until then.
    """

    world: World
    number: int
    mode: Mode
    endpoint: str | None = None
    invocation: int = 0
    kept: frozenset[str] | None = None

    def __call__(self, attempt: Attempt) -> Fault | None:
        if attempt.number == self.number:
            self.endpoint, self.invocation = attempt.endpoint_url, self.world.invocations
        if self.endpoint is None:
            return None
        if self.world.invocations != self.invocation:
            if self.kept is None:
                self.kept = kept(self.world)
            return None
        return Fault(self.mode) if attempt.endpoint_url == self.endpoint else None


def kept_at(baseline: Baseline, functions: Functions) -> list[frozenset[str]]:
    """What is on record at each call of the undisturbed action."""
    world = baseline.start.copy()
    watch = Watch(world, [])
    world.wire.hazards.append(watch)
    baseline.action.run(functions, world)
    return watch.kept


@pytest.mark.parametrize("mode", _MODES, ids=lambda mode: mode.name.lower())
@pytest.mark.parametrize("action", RESTORES, ids=lambda action: action.name)
def test_an_endpoint_that_hangs_from_every_call_on(
    functions: Functions, share: Share, record_property: Recorder, action: Action, mode: Mode
) -> None:
    baseline = baseline_of(functions, action)
    on_record = kept_at(baseline, functions)
    numbers = share.of(len(baseline.calls), _MODES.index(mode))
    found = []
    for number in numbers:
        world = baseline.start.copy()
        silence = Silence(world, number, mode)
        world.wire.hazards.append(silence)
        answer = action.run(functions, world)
        end = end_of(world.account, answer)
        lines = [*problems(action, *as_seen(baseline.end, end)), *begins_too_late(baseline.end, end)]
        if world.deaths:
            lines.append(f"{world.deaths} deliveries were killed for want of time")
        lost = on_record[number] - (silence.kept if silence.kept is not None else kept(world))
        if lost:
            lines.append(f"what was read is not on record: {', '.join(sorted(lost))}")
        if lines:
            found.append(f"from call {number} on, {baseline.calls[number]}:\n  " + "\n  ".join(lines))
    record_property("endpoints that hang", len(numbers))
    if found:
        fail_with(found)
