"""Bring a target's settings to the source's: read, diff, apply, read back.

First all settings are looked at, which gives the plan; then the plan is carried out. Who keeps the plan, and notes the end
of each step, can tell after any interruption what was done in all, and not only since then.

AWS carries out much of this in the background, for seconds or minutes. The settings take turns, in one thread: while
one waits, the others go on, within the limits that their lanes set.
"""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Protocol, TypeVar

from dynamodb_restore.aws import (
    AwsError,
    ErrorClass,
    classify,
    explain,
    outcome_unknown,
    retry_after,
    was_not_answered,
    was_retried,
)
from dynamodb_restore.backoff import Backoff
from dynamodb_restore.config import ANYTHING, Attachable
from dynamodb_restore.pace import AFTER_A_WAIT_SECONDS, Pace
from dynamodb_restore.restore.attachable import without_refused
from dynamodb_restore.restore.guard import Guard
from dynamodb_restore.restore.outcome import Outcome, Status, Switch, SwitchedBy
from dynamodb_restore.restore.steps import Plan
from dynamodb_restore.settings.names import with_table
from dynamodb_restore.settings.setting import (
    CannotApplyError,
    Difference,
    Lane,
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

_READ_TRIES = 3
"""Of one setting, before it is given up for this delivery: a reading that fails costs the whole setting."""

_FIRST_LOOKS = (Lane.FIRST, Lane.ALONE, Lane.TABLE)
"""What is looked at before anything is carried out."""

WAITS_FOR_CUTOVER = "waits for cutover"
"""Why a setting is skipped while changes are replayed."""

_HELD = "held for the operator"
_NOT_LOOKED_AT = "what the target lacks of it is not known"

_PATIENCE_SECONDS = 45.0
"""How long one setting may wait in one delivery; what takes longer comes back with the message."""

_FIRST_PATIENCE_SECONDS = 20.0
"""The same for one that all others wait for."""


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
_Waits = Generator[float, None, _T]
"""Work that yields how many seconds it has to wait, each time that it has to, and returns its result."""


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


class _NobodyListens:
    def planned(self, plan: Plan) -> None:
        pass

    def done(self, setting: str, step: str) -> None:
        pass

    def not_done(self, setting: str, step: str) -> None:
        pass


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
            state = _tried(partial(setting.read, source), pace).state
        except AwsError as error:
            states[setting.name] = Unreadable(explain(error), classify(error) is ErrorClass.RETRY)
            continue
        states[setting.name] = state
        keep(setting.name, state)
    return states


def _tried(read: Callable[[], _T], pace: Pace) -> _T:
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
            delay = max(_POLL.delay(attempt, pace.rng), retry_after(error) or 0.0)
            if (
                classify(error) is not ErrorClass.RETRY
                or unanswered > 1
                or pace.remaining_seconds() - delay <= AFTER_A_WAIT_SECONDS
            ):
                raise
            pace.sleep(delay)
    return read()


class Sync:
    """One run over a target: `plan` looks, `run` carries out.

    A setting that already holds costs its reads and no write, so running again after any failure
    finishes what is missing and changes nothing else.
    """

    def __init__(
        self,
        settings: Sequence[Setting],
        desired: Desired,
        target: Table,
        pace: Pace,
        *,
        switches: Mapping[str, bool],
        switched_by: Mapping[str, SwitchedBy] | None = None,
        phases: Collection[Phase] = tuple(Phase),
        source_region: str | None = None,
        attachable: Attachable = ANYTHING,
        held: Collection[str] = (),
        refusals_may_pass: Callable[[], bool] = lambda: True,
    ) -> None:
        """
        Args:
            switched_by: who decided about each switch; None where nobody keeps that.
            source_region: where the source is; None for the target's own region. What is bound to another region
                cannot be used in this one, and is left out and reported.
            attachable: which functions and streams may be attached; what may not is left out and reported.
            held: settings that are looked at and not written, because they wait for an operator.
            refusals_may_pass: whether it is so early that a refusal which can pass by itself (`CannotApplyError.passes`) may
                still do so; otherwise it is final, as every other. Asked at each such refusal.
        """
        self._settings = settings
        self._switches = {
            name: Switch(switches.get(name, False), by) for name, by in (switched_by or {}).items()
        }
        self._outcomes: dict[str, Outcome] = {}
        self._looks: dict[str, _Look | Outcome] = {}
        self._tasks: dict[Lane, list[_Task]] = {lane: [] for lane in Lane}
        self._held: list[_Task] = []
        self._pace = pace
        elsewhere = source_region if source_region != target.clients.region else None
        guard = Guard(target, pace.remaining_seconds, partial(_tried, pace=pace))
        for setting in settings:
            state = desired.get(setting.name)
            unread = state is None or isinstance(state, Unreadable)
            if not switches.get(setting.name, False):
                reason = _switched_off((switched_by or {}).get(setting.name))
                self._outcomes[setting.name] = Outcome(setting.name, Status.SKIPPED, reason=reason)
            elif setting.phase not in phases and (unread or setting.name not in held):
                self._outcomes[setting.name] = Outcome(setting.name, Status.SKIPPED, reason=WAITS_FOR_CUTOVER)
            elif state is None or isinstance(state, Unreadable):
                self._outcomes[setting.name] = _not_read(setting, state)
            else:
                task = _Task(setting, state, target, pace, elsewhere, guard, attachable, refusals_may_pass)
                (self._held if setting.name in held else self._tasks[setting.lane]).append(task)

    def plan(self) -> Plan:
        """Look at all settings but those of the last lane, which build on what the others do."""
        return self._look_at(task for lane in _FIRST_LOOKS for task in self._tasks[lane])

    def run(self, log: StepLog | None = None) -> list[Outcome]:
        """Carry the plan out, and say how each setting ended, in their order.

        Args:
            log: is told the plan of the last lane, where it has steps, before it is carried out, and the end of every
                step.
        """
        log = log or _NobodyListens()
        self._look_at_what_is_left(_FIRST_LOOKS)
        _take_turns(self._each_by_itself(Lane.FIRST, log, _FIRST_PATIENCE_SECONDS), self._pace)
        alone = self._each_by_itself(Lane.ALONE, log, _PATIENCE_SECONDS)
        _take_turns([*alone, self._one_after_another(self._tasks[Lane.TABLE], log)], self._pace)
        last = self._look_at(self._tasks[Lane.LAST])
        if last:
            log.planned(last)
        _take_turns([self._one_after_another(self._tasks[Lane.LAST], log)], self._pace)
        self._look_at_what_is_held()
        return self._in_order()

    def rehearse(self) -> list[Outcome]:
        """Say what a run would do, and do nothing."""
        self._look_at_what_is_left(Lane)
        for task in (task for tasks in self._tasks.values() for task in tasks):
            self._outcomes[task.setting.name] = task.rehearsed(self._looks[task.setting.name])
        self._look_at_what_is_held()
        return self._in_order()

    def _look_at_what_is_held(self) -> None:
        """Say what waits for an operator; last, when the target has all that does not."""
        for task in self._held:
            self._outcomes[task.setting.name] = task.held_back()

    def _in_order(self) -> list[Outcome]:
        names = [setting.name for setting in self._settings]
        return [replace(self._outcomes[name], switch=self._switches.get(name)) for name in names]

    def _look_at_what_is_left(self, lanes: Iterable[Lane]) -> None:
        tasks = (task for lane in lanes for task in self._tasks[lane])
        self._look_at([task for task in tasks if task.setting.name not in self._looks])

    def _look_at(self, tasks: Iterable[_Task]) -> Plan:
        plan = {}
        for task in tasks:
            look = self._looks[task.setting.name] = task.first_look()
            if isinstance(look, _Look) and look.difference.steps:
                plan[task.setting.name] = [step.summary for step in look.difference.steps]
        return plan

    def _each_by_itself(self, lane: Lane, log: StepLog, patience: float) -> list[_Waits[None]]:
        return [self._one_after_another([task], log, patience) for task in self._tasks[lane]]

    def _one_after_another(
        self, tasks: Iterable[_Task], log: StepLog, patience: float = _PATIENCE_SECONDS
    ) -> _Waits[None]:
        for task in tasks:
            name = task.setting.name
            outcome = self._outcomes[name] = yield from task.run(self._looks[name], patience, log)
            if outcome.retryable:
                # What has used up its patience keeps the table busy for those behind it too: one try each.
                patience = 0.0


def sync_settings(
    settings: Sequence[Setting],
    desired: Desired,
    target: Table,
    pace: Pace,
    *,
    switches: Mapping[str, bool],
    phases: Collection[Phase] = tuple(Phase),
    source_region: str | None = None,
    dry_run: bool = False,
) -> list[Outcome]:
    """One run with nobody keeping its plan; the arguments are those of `Sync`."""
    sync = Sync(
        settings, desired, target, pace, switches=switches, phases=phases, source_region=source_region
    )
    return sync.rehearse() if dry_run else sync.run()


def _switched_off(by: SwitchedBy | None) -> str:
    """Why a setting that is off is skipped."""
    match by:
        case SwitchedBy.TAG:
            return "switched off by the source's tag"
        case SwitchedBy.DRILL:
            return "switched off for drills"
        case SwitchedBy.OVERRIDE:
            return "switched off by an override"
        case _:
            return "switched off"


def _not_read(setting: Setting, state: Unreadable | None) -> Outcome:
    if state is None:
        return Outcome(setting.name, Status.FAILED, reason="it was never read from the source")
    reason = f"cannot read the source: {state.reason}"
    return Outcome(setting.name, Status.FAILED, reason=reason, retryable=state.retryable)


def _take_turns(lanes: Iterable[_Waits[None]], pace: Pace) -> None:
    """Run all lanes to their ends: each until it waits, then whichever is due first."""

    def now() -> float:
        return -pace.remaining_seconds()

    turns = count()
    due = [(now(), next(turns), lane) for lane in lanes]
    while due:
        when, _, lane = heapq.heappop(due)
        early = when - now()
        if early > 0:
            pace.sleep(early)
        try:
            delay = next(lane)
        except StopIteration:
            continue
        heapq.heappush(due, (now() + delay, next(turns), lane))


@dataclass(frozen=True)
class _Look:
    """What the target shows of a setting at one moment."""

    reading: Reading
    difference: Difference


@dataclass(frozen=True)
class _Failure:
    """Why a step, or a look, did not succeed.

    Attributes:
        in_doubt: whether it may have taken effect all the same, or may yet.
        unanswered: whether AWS did not answer, which costs so much time that the setting is left to the next delivery.
    """

    reason: str
    retryable: bool
    in_doubt: bool = False
    unanswered: bool = False

    @classmethod
    def of(cls, error: BaseException, doing: str = "", *, in_doubt: bool = False) -> _Failure:
        """What an error of AWS, or a table that is gone, comes to."""
        reason = f"{doing}{explain(error)}"
        return cls(reason, classify(error) is ErrorClass.RETRY, in_doubt, was_not_answered(error))


class _ThereAlready(Exception):  # noqa: N818 - not an error: the table has what the step would make
    """AWS answered that the table has what a step would make.

    Attributes:
        in_doubt: whether it may have come of an earlier request of the same step, which got no answer.
    """

    def __init__(self, *, in_doubt: bool) -> None:
        super().__init__()
        self.in_doubt = in_doubt


@dataclass(frozen=True)
class _Task:
    """One setting that is to be brought to `desired` on `target`.

    Attributes:
        elsewhere: the source's region where it is not the target's.
        guard: looks that the target is still the same table.
        attachable: which functions and streams may be attached.
        refusals_may_pass: whether a refusal that can pass by itself may still do so.
    """

    setting: Setting
    desired: State
    target: Table
    pace: Pace
    elsewhere: str | None
    guard: Guard
    attachable: Attachable
    refusals_may_pass: Callable[[], bool]

    def first_look(self) -> _Look | Outcome:
        """What the target shows before anything is written; the outcome where it cannot be read."""
        try:
            return _tried(self._look, self.pace)
        except (*AwsError, TableGoneError) as error:
            reason = f"cannot read the target: {explain(error)}"
            retryable = classify(error) is ErrorClass.RETRY
            return Outcome(self.setting.name, Status.FAILED, reason=reason, retryable=retryable)

    def rehearsed(self, look: _Look | Outcome) -> Outcome:
        """What a run would do."""
        if isinstance(look, Outcome):
            return look
        if not look.difference.steps:
            return self._nothing_to_do(look.difference)
        return self._outcome(Status.PLANNED, look.difference, look.difference.steps)

    def held_back(self) -> Outcome:
        """What waits for an operator. Where the target lacks nothing, nothing does."""
        look = self.first_look()
        if isinstance(look, Outcome):
            return replace(look, held=(_NOT_LOOKED_AT,))
        if not look.difference.steps:
            return self._nothing_to_do(look.difference)
        steps = tuple(step.summary for step in look.difference.steps)
        outcome = self._outcome(Status.SKIPPED, look.difference, (), reason=f"{_HELD}: {'; '.join(steps)}")
        return replace(outcome, held=steps)

    def run(self, look: _Look | Outcome, patience_seconds: float, log: StepLog) -> _Waits[Outcome]:
        """Apply what differs and read back."""
        if isinstance(look, Outcome):
            return look
        # What an earlier delivery wrote and AWS is still carrying out can fail yet.
        if not look.reading.in_motion and not look.difference.steps:
            return self._nothing_to_do(look.difference)
        deadline = self.pace.remaining_seconds() - patience_seconds
        if look.difference.steps and self.setting.lane is not Lane.ALONE:
            again: _Look | Outcome = yield from self._look_when_active(look, deadline)
            if isinstance(again, Outcome):
                return again
            if again is not look and again.difference.steps:
                log.planned({self.setting.name: [step.summary for step in again.difference.steps]})
            look = again
        return (yield from self._close(look.difference, deadline, log))

    def _look_when_active(self, look: _Look, deadline: float) -> _Waits[_Look | Outcome]:
        """The same look where the table is ACTIVE; where it has to be waited for, another one afterwards."""
        try:
            if self._may_write():
                return look
            busy = yield from self._until_active(deadline)
        except (*AwsError, TableGoneError) as error:
            busy = _Failure.of(error)
        if busy is not None:
            return self._failed(look.difference, (), [busy])
        # What kept the table busy may have been this very change.
        return self.first_look()

    def _look(self) -> _Look:
        reading = self.setting.read(self.target)
        difference = _naming(self.target.name, self.setting.diff(self.desired, reading.state))
        difference = without_refused(difference, self.attachable, self.target.account)
        if self.elsewhere is None:
            return _Look(reading, difference)
        return _Look(reading, _without_foreign_steps(difference, self.elsewhere))

    def _close(self, difference: Difference, deadline: float, log: StepLog) -> _Waits[Outcome]:
        """Carry out the steps of a difference and read the target back."""
        done: list[Step] = []
        there_already: list[Step] = []
        failures: list[_Failure] = []
        omitted: list[str] = []
        left_out: dict[str, str | None] = {}
        name = self.setting.name
        for number, step in enumerate(difference.steps):
            if number:
                # A setting of many steps must not keep the others waiting.
                yield 0.0
            in_doubt = False
            try:
                failure = yield from self._apply(step, deadline)
            except StepOmitted as omission:
                omitted.append(f"{step.summary}: {omission}")
                left_out[step.summary] = omission.lacks
            except _ThereAlready as found:
                there_already.append(step)
                in_doubt = found.in_doubt
            else:
                if failure is None:
                    done.append(step)
                    log.done(name, step.summary)
                    continue
                failures.append(failure)
                in_doubt = failure.in_doubt
            if not in_doubt:
                log.not_done(name, step.summary)
            if any(failure.unanswered for failure in failures):
                break
        answered = not any(failure.unanswered for failure in failures)
        if answered and (done or there_already or not difference.steps):
            expected = len(failures) + len(omitted)
            unseen = yield from self._unseen(deadline, expected=expected)
            if unseen is not None:
                failures.append(unseen)
        steps = tuple(step for step in difference.steps if step not in there_already)
        difference = replace(difference, steps=steps, omitted=(*difference.omitted, *omitted))
        return replace(self._ended(difference, done, failures), left_out_steps=left_out)

    def _ended(self, difference: Difference, done: Sequence[Step], failures: Sequence[_Failure]) -> Outcome:
        if failures:
            return self._failed(difference, done, failures)
        return self._outcome(Status.APPLIED, difference, done) if done else self._nothing_to_do(difference)

    def _apply(self, step: Step, deadline: float) -> _Waits[_Failure | None]:
        """Carry out one step, again while AWS asks for that and the setting's time lasts.

        Raises:
            StepOmitted: from the setting.
            _ThereAlready: AWS says that there is nothing to carry out.
        """
        attempt = unanswered = 0
        in_doubt = False
        while True:
            attempt += 1
            try:
                self.guard.look(self.setting.lane)
                if not self._may_write():
                    busy = yield from self._until_active(deadline)
                    if busy is not None:
                        return replace(busy, reason=f"{step.summary}: {busy.reason}", in_doubt=in_doubt)
                self.setting.apply(self.target, step)
            except CannotApplyError as error:
                passes = error.passes and self.refusals_may_pass()
                refusal = _Failure(f"{step.summary}: {error}", retryable=passes, in_doubt=in_doubt)
                delay = self._delay(attempt, deadline)
                if not passes or delay is None:
                    return refusal
                yield delay
            except (*AwsError, TableGoneError) as error:
                in_doubt = in_doubt or _may_have_been_taken(error)
                if classify(error) is ErrorClass.IGNORE:
                    raise _ThereAlready(in_doubt=in_doubt) from error
                failure = _Failure.of(error, f"{step.summary}: ", in_doubt=in_doubt)
                unanswered += failure.unanswered
                delay = self._delay(attempt, deadline, error)
                if not failure.retryable or unanswered > 1 or delay is None:
                    return failure
                yield delay
            else:
                return None

    def _may_write(self) -> bool:
        return self.setting.lane is Lane.ALONE or self._status() == "ACTIVE"

    def _status(self) -> str:
        return _tried(self.target.describe, self.pace)["TableStatus"]

    def _until_active(self, deadline: float) -> _Waits[_Failure | None]:
        attempt = 0
        while (status := self._status()) != "ACTIVE":
            attempt += 1
            delay = self._delay(attempt, deadline)
            if delay is None:
                return _Failure(f"the table is {status}", retryable=True)
            yield delay
            self.target.forget()
        return None

    def _unseen(self, deadline: float, *, expected: int) -> _Waits[_Failure | None]:
        """Read the target back until it shows all that was written; say what it does not show in time.

        AWS is eventually consistent about much of this, and carries some of it out in the background.

        Args:
            expected: how many steps are known to have failed and so stay open.
        """
        attempt = unanswered = 0
        while True:
            attempt += 1
            problem: BaseException | None = None
            try:
                look = self._look()
                missing = _missing(look, expected)
                if missing is None:
                    return None
                # AWS's own word that it could not be done: no second look changes that.
                failure = _Failure(f"{_NOT_SEEN}{missing}", retryable=not look.reading.failures)
            except (*AwsError, TableGoneError) as error:
                problem = error
                failure = _Failure.of(error, _NOT_SEEN)
            self.target.forget()
            unanswered += failure.unanswered
            delay = self._delay(attempt, deadline, problem)
            if not failure.retryable or unanswered > 1 or delay is None:
                return failure
            yield delay

    def _delay(self, attempt: int, deadline: float, error: BaseException | None = None) -> float | None:
        """Seconds to wait before the next look; None where the setting's time, or the function's, is used up."""
        asked_for = (retry_after(error) if error is not None else None) or 0.0
        delay = max(_POLL.delay(attempt, self.pace.rng), asked_for)
        if self.pace.remaining_seconds() - delay <= max(deadline, AFTER_A_WAIT_SECONDS):
            return None
        return delay

    def _nothing_to_do(self, difference: Difference) -> Outcome:
        left_alone = [*difference.conflicts, *difference.omitted]
        if difference.waiting:
            left_alone.append(f"{WAITS_FOR_CUTOVER}: {'; '.join(difference.waiting)}")
        if not left_alone:
            return self._outcome(Status.UNCHANGED, difference, ())
        return self._outcome(Status.SKIPPED, difference, (), reason="; ".join(left_alone))

    def _failed(self, difference: Difference, done: Sequence[Step], failures: Sequence[_Failure]) -> Outcome:
        reason = "; ".join(failure.reason for failure in failures)
        # What can still succeed is worth another delivery; what cannot is reported with it in the end.
        retryable = any(failure.retryable for failure in failures)
        return self._outcome(Status.FAILED, difference, done, reason=reason, retryable=retryable)

    def _outcome(
        self,
        status: Status,
        difference: Difference,
        done: Sequence[Step],
        *,
        reason: str | None = None,
        retryable: bool = False,
    ) -> Outcome:
        return Outcome(
            self.setting.name,
            status,
            done=tuple(step.summary for step in done),
            still_open=tuple(step.summary for step in difference.steps if step not in done),
            conflicts=difference.conflicts,
            omitted=difference.omitted,
            reason=reason,
            retryable=retryable,
        )


_NOT_SEEN = "not seen after it was applied: "


def _may_have_been_taken(error: BaseException) -> bool:
    """Whether a request that failed may have been carried out all the same."""
    return not isinstance(error, TableGoneError) and (outcome_unknown(error) or was_retried(error))


def _missing(look: _Look, expected: int) -> str | None:
    still_open = look.difference.steps
    if len(still_open) > expected:
        return ", ".join([*(step.summary for step in still_open), *look.reading.failures])
    return ", ".join(look.reading.in_motion) or None


def _naming(table: str, difference: Difference) -> Difference:
    """A difference in the words of people, who know the target by its name. Portable states know no name."""
    return Difference(
        tuple(replace(step, summary=with_table(step.summary, table)) for step in difference.steps),
        tuple(with_table(conflict, table) for conflict in difference.conflicts),
        tuple(with_table(omission, table) for omission in difference.omitted),
        tuple(with_table(step, table) for step in difference.waiting),
    )


def _without_foreign_steps(difference: Difference, region: str) -> Difference:
    """Leave out the steps that name something in the source's region: functions, streams, topics, keys.

    Services refer to these in their own region only; the ones of that name here, if there are any, may be others.
    """
    kept: list[Step] = []
    omitted = list(difference.omitted)
    for step in difference.steps:
        foreign = _arns_in(step.payload, region)
        if foreign:
            omitted.append(f"{step.summary}: {', '.join(foreign)} cannot be used from another region")
        else:
            kept.append(step)
    return replace(difference, steps=tuple(kept), omitted=tuple(omitted))


def _arns_in(payload: State, region: str) -> list[str]:
    found = re.findall(rf"arn:[a-z-]+:[a-z0-9-]+:{re.escape(region)}:[^\"\\\s]+", json.dumps(payload))
    return sorted(set(found))
