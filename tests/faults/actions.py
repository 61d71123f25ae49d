"""What the functions do, from a start to an end, whatever goes wrong on the way: SQS delivers again, people call again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.aws.errors import ProcessDeath
from tests.faults.estate import (
    DEAD_LETTERS,
    MAX_ATTEMPTS,
    RESTORE_QUEUE,
    RESTORE_TABLE,
    SOURCE,
    TARGET,
    build,
    restore_event,
)
from tests.faults.functions import Functions, World

_MOST_CALLS = 20
"""Of one person, or one schedule, that does not give up."""

_PAUSE_SECONDS = 60

_SILENCE_SECONDS = 3 * 3600
"""After which the reconciler takes up whatever is not told."""

_LONGEST_RESTORE = 3
"""Deliveries. AWS takes minutes to hours for a restore: here, until one delivery has seen it without a fault."""

Answer = dict[str, Any] | None


class NotAnsweredError(Exception):
    """Every call failed, or one did that nobody may make; the text is the last error's."""


@dataclass(frozen=True)
class Action:
    """One thing that the functions do.

    Attributes:
        start: makes the world that it begins in.
        run: does it, to its end, and returns what the person who called was answered last.
        can_be_done: what the person is answered instead, where an earlier call has done it all and was not answered.
        counts: whether the answer counts what this very call did, so that one after a fault counts less.
    """

    name: str
    start: Callable[[Functions], World]
    run: Callable[[Functions, World], Answer]
    can_be_done: Answer = None
    counts: bool = False


def deliver_all(functions: Functions, world: World) -> None:
    """Do what SQS and Lambda do until the restore queue is empty."""
    messages = world.account.queues.queues[RESTORE_QUEUE].messages
    while messages:
        following = min(messages.values(), key=lambda message: message.visible_at)
        world.clock.wait_until(following.visible_at)
        faults, attempt = world.wire.faults, following.received + 1
        with suppress(ProcessDeath):
            functions.deliver(world)
        if world.wire.faults == faults or (world.wire.denied and attempt >= _LONGEST_RESTORE):
            finish_restore(world)


def finish_restore(world: World) -> None:
    if TARGET in world.account.tables.tables:
        world.account.tables.finish_restore(TARGET)


def ask(functions: Functions, world: World, **payload: Any) -> dict[str, Any]:
    """Make the same call again until it is answered and nothing is left to do."""
    about = {} if "target" in payload else {"table": SOURCE}
    return _again(lambda: functions.operate(world, {**about, **payload}), world)


def call(functions: Functions, world: World, **payload: Any) -> dict[str, Any]:
    """Do what a person does (`ask`), and have the schedule tell later what could not be told of the end."""
    answer = ask(functions, world, **payload)
    # Without the permission to tell it, the answer says so.
    if "not_told" in answer and not world.wire.denied:
        del answer["not_told"]
        have_it_told(functions, world)
    return answer


def have_it_told(functions: Functions, world: World) -> None:
    """Have the schedule come round, which tells what could not be told."""
    world.clock.sleep(_SILENCE_SECONDS)
    _reconcile(functions, world)
    # What the reconciler noted for itself expires.
    kept = world.account.items.tables[RESTORE_TABLE].items
    for key in [key for key, item in kept.items() if item["sk"]["S"].startswith("queued#")]:
        del kept[key]


def _again(invoke: Callable[[], dict[str, Any]], world: World) -> dict[str, Any]:
    last = "it was never made"
    for _ in range(_MOST_CALLS):
        try:
            answer = invoke()
        except (ClientError, BotoCoreError, ProcessDeath) as error:
            last = str(error)
            if world.wire.denied:
                break
        else:
            last = str(answer.get("next") or answer.get("error", ""))
            goes_on = last.startswith(("cutover again", "release again")) or last.endswith(
                ("repair again", "try again later")
            )
            if "settling_until" not in answer and not goes_on:
                return answer
            if world.wire.denied and "error" in answer and not goes_on:
                break
        world.clock.sleep(_PAUSE_SECONDS)
    raise NotAnsweredError(last)


def redrive(world: World) -> None:
    """Do what a person does about the dead-letter queue: send everything round again."""
    world.account.queues.redrive(DEAD_LETTERS, RESTORE_QUEUE)


def finish(functions: Functions, world: World) -> None:
    """Do what a person does in the end: cut over where changes are replayed, and clone what is still missing."""
    world.account.settle()
    call(functions, world, action="cutover", settle_seconds=0)
    if TARGET in world.account.tables.tables:
        functions.clone(world, SOURCE, TARGET)


def _requested(*, on_demand: bool = False, pipeline: bool = False, active: bool = False) -> World:
    world = World(build(on_demand=on_demand, pipeline=pipeline))
    world.account.queues.put(RESTORE_QUEUE, restore_event())
    if active:
        finish_restore(world)
    return world


def _waiting(functions: Functions) -> World:
    """The target is being restored, and the pipeline captures for it."""
    world = _requested(pipeline=True)
    assert functions.deliver(world) is False
    return _untold(world)


def replaying(functions: Functions) -> World:
    world = _requested(pipeline=True)
    deliver_all(functions, world)
    return _untold(world)


def _untold(world: World) -> World:
    """The same world a little later, as if nothing had been told and called yet."""
    world = world.copy()
    world.account.settle()
    world.account.messaging.events.clear()
    world.account.messaging.notifications.clear()
    return world


_HELD = ("stream", "stream_triggers", "cloudwatch_alarms", "ttl")


def _holding(functions: Functions) -> World:
    """A restore that has ended, of which an override holds some settings; it is there no more."""
    world = _requested()
    with functions.configured(overrides=[{"hold": _HELD, "polling": {"max_attempts": MAX_ATTEMPTS}}]):
        deliver_all(functions, world)
    return _untold(world)


def _with_quarantine(functions: Functions) -> World:
    """Three items that the target refused: two that the source still has, and one that it has deleted."""
    world = replaying(functions)
    items = world.account.items
    restore_id = world.account.tables.tables[TARGET].description["TableId"]
    for name in ("a", "b", "gone"):
        items.put(
            RESTORE_TABLE,
            {
                "pk": {"S": f"quarantine#{restore_id}"},
                "sk": {"S": name},
                "key": {"S": f'{{"id": {{"S": "{name}"}}}}'},
                "reason": {"S": "wrong type"},
                "sequence": {"S": "1"},
                "time": {"N": "1795348800"},
            },
        )
    for name in ("a", "b"):
        items.put(SOURCE, {"id": {"S": name}, "blob": {"B": b"\x00"}})
    items.put(TARGET, {"id": {"S": "gone"}})
    return world


def _unheard_of(functions: Functions) -> World:
    """A restore whose event never came."""
    return World(build(pipeline=True))


def _deleted(functions: Functions) -> World:
    """The target was deleted while it was being restored."""
    world = _waiting(functions)
    del world.account.tables.tables[TARGET]
    del world.account.items.tables[TARGET]
    return world


def _restore(functions: Functions, world: World) -> Answer:
    deliver_all(functions, world)
    return None


def _abandon_and_restore(functions: Functions, world: World) -> Answer:
    answer = call(functions, world, action="abandon")
    deliver_all(functions, world)
    return answer


def _choose_window(functions: Functions, world: World) -> Answer:
    start = datetime(2026, 11, 22, 6, 45, tzinfo=UTC)
    answer = call(functions, world, action="window", start=start.isoformat(), end=None)
    deliver_all(functions, world)
    return answer


def _reconcile(functions: Functions, world: World) -> Answer:
    """Do what the schedule does; the answer, the log and an alarm tell of tables that could not be seen."""
    unseen = _again(lambda: functions.reconcile(world), world)["unseen"]
    while unseen and not world.wire.denied:
        world.clock.sleep(_PAUSE_SECONDS)
        unseen = _again(lambda: functions.reconcile(world), world)["unseen"]
    deliver_all(functions, world)
    return {"unseen": unseen} if unseen else None


def _started(**how: bool) -> Callable[[Functions], World]:
    return lambda functions: _requested(**how)


_RELEASED = {
    "error": f"the restore into {TARGET} holds nothing, and not {' (applied), '.join(_HELD)} (applied); nothing was done"
}
_NOTHING_LEFT = {"error": f"no restore owns the pipeline of {SOURCE}: there is nothing to do"}
_CUT_OVER = {"refused": [{"code": "notreplaying", "reason": f"{TARGET} was cut over already"}]}

ACTIONS = (
    Action("restore", _started(), _restore),
    Action("restore on demand", _started(on_demand=True), _restore),
    Action("restore with a pipeline", _started(pipeline=True), _restore),
    Action("restore that is over at once", _started(pipeline=True, active=True), _restore),
    Action("restore of a target that is deleted", _deleted, _restore),
    Action("reconcile", _unheard_of, _reconcile),
    Action("status", replaying, partial(call, action="status")),
    Action("window", _waiting, _choose_window),
    Action("cutover", replaying, partial(call, action="cutover", settle_seconds=2), _CUT_OVER),
    Action("abandon before replay", _waiting, _abandon_and_restore, _NOTHING_LEFT),
    Action("abandon", replaying, partial(call, action="abandon"), _NOTHING_LEFT),
    Action(
        "release", _holding, partial(call, action="release", target=TARGET, settings=list(_HELD)), _RELEASED
    ),
    Action("repair", _with_quarantine, partial(call, action="repair"), counts=True),
)
