"""Bring a target's settings to the source's: read, diff, apply, read back."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from dynamodb_restore.aws import AwsError, ErrorClass, classify, explain
from dynamodb_restore.backoff import Backoff
from dynamodb_restore.restore.outcome import Outcome, Status
from dynamodb_restore.settings.setting import (
    CannotApplyError,
    Difference,
    Phase,
    Reading,
    Setting,
    State,
    Step,
    StepOmitted,
    Table,
    TableGoneError,
)

_POLL = Backoff(base_seconds=0.25, rate=2, cap_seconds=8, jitter=0.5)
"""Between two looks at something that AWS is carrying out, or two tries of a call that AWS asks to repeat."""

_PATIENCE_SECONDS = 45.0
"""How long one setting may keep the others waiting; what takes longer comes back with the message."""

_RESERVE_SECONDS = 10.0
"""What the function keeps for writing down and reporting how far it came."""


@dataclass(frozen=True)
class Pace:
    """Time, as the engine sees it.

    Attributes:
        sleep: waits so many seconds.
        remaining_seconds: how long the function may still run.
        rng: draws the jitter.
    """

    sleep: Callable[[float], None]
    remaining_seconds: Callable[[], float]
    rng: random.Random


@dataclass(frozen=True)
class Unreadable:
    """A setting of the source that could not be read, and why."""

    reason: str
    retryable: bool


Desired = Mapping[str, State | Unreadable]
"""Setting name to the source's portable state; a name that is missing has not been read."""


def read_settings(settings: Iterable[Setting], source: Table) -> dict[str, State | Unreadable]:
    """Read the portable state of each setting from `source`; one that fails does not stop the others.

    Raises:
        TableGoneError: the source does not exist.
    """
    # Asked first, because the other calls answer "not found" for a table that is merely busy.
    source.describe()
    states: dict[str, State | Unreadable] = {}
    for setting in settings:
        try:
            states[setting.name] = setting.read(source).state
        except AwsError as error:
            states[setting.name] = Unreadable(explain(error), classify(error) is ErrorClass.RETRY)
    return states


def sync_settings(
    settings: Sequence[Setting],
    desired: Desired,
    target: Table,
    pace: Pace,
    *,
    switches: Mapping[str, bool],
    phases: Collection[Phase] = tuple(Phase),
    dry_run: bool = False,
) -> list[Outcome]:
    """Apply each setting that is switched on to `target`, in order, and say how each ended.

    A setting that already holds costs its reads and no write, so running again after any failure
    finishes what is missing and changes nothing else.
    """
    outcomes = []
    for setting in settings:
        if not switches.get(setting.name, False):
            outcomes.append(Outcome(setting.name, Status.SKIPPED, reason="switched off"))
            continue
        if setting.phase not in phases:
            outcomes.append(Outcome(setting.name, Status.SKIPPED, reason="waits for cutover"))
            continue
        state = desired[setting.name]
        if isinstance(state, Unreadable):
            reason = f"cannot read the source: {state.reason}"
            outcomes.append(Outcome(setting.name, Status.FAILED, reason=reason, retryable=state.retryable))
            continue
        outcomes.append(_sync_one(setting, state, target, pace, dry_run=dry_run))
    return outcomes


def _sync_one(setting: Setting, desired: State, target: Table, pace: Pace, *, dry_run: bool) -> Outcome:
    try:
        reading = setting.read(target)
        difference = setting.diff(desired, reading.state)
    except (*AwsError, TableGoneError) as error:
        reason = f"cannot read the target: {explain(error)}"
        return Outcome(
            setting.name, Status.FAILED, reason=reason, retryable=classify(error) is ErrorClass.RETRY
        )
    # What an earlier delivery wrote and AWS is still carrying out can fail yet.
    settled = dry_run or not reading.in_motion
    if settled and not difference.steps:
        return _nothing_to_do(setting, difference)
    if dry_run:
        return _outcome(setting, Status.PLANNED, difference, difference.steps)

    deadline = pace.remaining_seconds() - _PATIENCE_SECONDS
    done: list[Step] = []
    failures: list[_Failure] = []
    omitted: list[str] = []
    for step in difference.steps:
        try:
            failure = _apply(setting, target, step, pace, deadline)
        except StepOmitted as omission:
            omitted.append(f"{step.summary}: {omission}")
            continue
        if failure is None:
            done.append(step)
        else:
            failures.append(failure)
    if done or not difference.steps:
        expected = len(failures) + len(omitted)
        unseen = _unseen(setting, desired, target, pace, deadline, expected=expected)
        if unseen is not None:
            failures.append(unseen)
    difference = replace(difference, omitted=(*difference.omitted, *omitted))
    if not failures:
        return (
            _outcome(setting, Status.APPLIED, difference, done)
            if done
            else _nothing_to_do(setting, difference)
        )
    reason = "; ".join(failure.reason for failure in failures)
    # What can still succeed is worth another delivery; what cannot is reported with it in the end.
    retryable = any(failure.retryable for failure in failures)
    return _outcome(setting, Status.FAILED, difference, done, reason=reason, retryable=retryable)


@dataclass(frozen=True)
class _Failure:
    reason: str
    retryable: bool


def _apply(setting: Setting, target: Table, step: Step, pace: Pace, deadline: float) -> _Failure | None:
    """Carry out one step, again while AWS asks for that and the setting's time lasts."""
    attempt = 0
    while True:
        attempt += 1
        try:
            setting.apply(target, step)
        except CannotApplyError as error:
            return _Failure(f"{step.summary}: {error}", retryable=False)
        except AwsError as error:
            meaning = classify(error)
            if meaning is ErrorClass.IGNORE:
                return None
            if meaning is ErrorClass.GIVE_UP:
                return _Failure(f"{step.summary}: {explain(error)}", retryable=False)
            if not _pause(pace, attempt, deadline):
                return _Failure(f"{step.summary}: {explain(error)}", retryable=True)
        else:
            return None


def _unseen(
    setting: Setting, desired: State, target: Table, pace: Pace, deadline: float, *, expected: int
) -> _Failure | None:
    """Read the target back until it shows all that was written; say what it does not show in time.

    AWS is eventually consistent about much of this, and carries some of it out in the background.

    Args:
        expected: how many steps are known to have failed and so stay open.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            reading = setting.read(target)
            still_open = setting.diff(desired, reading.state).steps
            missing = _missing(reading, still_open, expected)
            # AWS's own word that it could not be done: no second look changes that.
            retryable = not reading.failures
        except (*AwsError, TableGoneError) as error:
            missing = explain(error)
            retryable = classify(error) is ErrorClass.RETRY
        if missing is None:
            return None
        target.forget()
        if not retryable or not _pause(pace, attempt, deadline):
            return _Failure(f"not seen after it was applied: {missing}", retryable)


def _missing(reading: Reading, still_open: Sequence[Step], expected: int) -> str | None:
    if len(still_open) > expected:
        return ", ".join([*(step.summary for step in still_open), *reading.failures])
    return ", ".join(reading.in_motion) or None


def _pause(pace: Pace, attempt: int, deadline: float) -> bool:
    """Sleep before the next look; False where the setting's time, or the function's, is used up."""
    delay = _POLL.delay(attempt, pace.rng)
    if pace.remaining_seconds() - delay <= max(deadline, _RESERVE_SECONDS):
        return False
    pace.sleep(delay)
    return True


def _nothing_to_do(setting: Setting, difference: Difference) -> Outcome:
    left_alone = [*difference.conflicts, *difference.omitted]
    if not left_alone:
        return _outcome(setting, Status.UNCHANGED, difference, ())
    return _outcome(setting, Status.SKIPPED, difference, (), reason="; ".join(left_alone))


def _outcome(
    setting: Setting,
    status: Status,
    difference: Difference,
    done: Sequence[Step],
    *,
    reason: str | None = None,
    retryable: bool = False,
) -> Outcome:
    return Outcome(
        setting.name,
        status,
        done=tuple(step.summary for step in done),
        conflicts=difference.conflicts,
        omitted=difference.omitted,
        reason=reason,
        retryable=retryable,
    )
