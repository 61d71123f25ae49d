"""One setting of a run: look at the target, apply what differs, wait until the target shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

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
from dynamodb_restore.pace import AFTER_A_WAIT_SECONDS, Pace
from dynamodb_restore.settings.setting import (
    CannotApplyError,
    Difference,
    Lane,
    Reading,
    Setting,
    State,
    Step,
    StepOmitted,
    Table,
    TableGoneError,
    read_target,
)
from dynamodb_restore.sync.attachable import Attachable, without_refused
from dynamodb_restore.sync.differences import naming_target, without_foreign_steps
from dynamodb_restore.sync.outcome import Outcome, Status
from dynamodb_restore.sync.reading import POLL, retry_reading
from dynamodb_restore.sync.same_table import SameTableCheck
from dynamodb_restore.sync.step_log import StepLog
from dynamodb_restore.sync.turns import WaitingWork

WAITS_FOR_CUTOVER = "waits for cutover"
"""Why a setting is skipped while changes are replayed."""

_HELD = "held for the operator"
_NOT_LOOKED_AT = "what the target lacks of it is not known"
_NOT_SEEN = "not seen after it was applied: "


@dataclass(frozen=True)
class Observation:
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


class _AlreadyThere(Exception):  # noqa: N818 - not an error: the table has what the step would make
    """AWS answered that the table has what a step would make.

    Attributes:
        in_doubt: whether it may have come of an earlier request of the same step, which got no answer.
    """

    def __init__(self, *, in_doubt: bool) -> None:
        super().__init__()
        self.in_doubt = in_doubt


@dataclass(frozen=True)
class Task:
    """One setting that is to be brought to `desired` on `target`.

    Attributes:
        elsewhere: the source's region where it is not the target's.
        same_table: looks that the target is still the same table.
        attachable: which functions and streams may be attached.
        refusals_may_pass: whether a refusal that can pass by itself may still do so.
    """

    setting: Setting
    desired: State
    target: Table
    pace: Pace
    elsewhere: str | None
    same_table: SameTableCheck
    attachable: Attachable
    refusals_may_pass: Callable[[], bool]

    def observe(self) -> Observation | Outcome:
        """What the target shows before anything is written; the outcome where it cannot be read."""
        try:
            return retry_reading(self._read_and_diff, self.pace)
        except (*AwsError, TableGoneError) as error:
            reason = f"cannot read the target: {explain(error)}"
            retryable = classify(error) is ErrorClass.RETRY
            return Outcome(self.setting.name, Status.FAILED, reason=reason, retryable=retryable)

    def planned_outcome(self, look: Observation | Outcome) -> Outcome:
        """What a run would do."""
        if isinstance(look, Outcome):
            return look
        if not look.difference.steps:
            return self._nothing_to_do(look.difference)
        return self._outcome(Status.PLANNED, look.difference, look.difference.steps)

    def held_outcome(self) -> Outcome:
        """What waits for an operator. Where the target lacks nothing, nothing does."""
        look = self.observe()
        if isinstance(look, Outcome):
            return replace(look, held=(_NOT_LOOKED_AT,))
        if not look.difference.steps:
            return self._nothing_to_do(look.difference)
        steps = tuple(step.summary for step in look.difference.steps)
        outcome = self._outcome(Status.SKIPPED, look.difference, (), reason=f"{_HELD}: {'; '.join(steps)}")
        return replace(outcome, held=steps)

    def compared_outcome(self, why_off: str) -> Outcome:
        """What differs of a setting that is off and that is compared all the same.

        Args:
            why_off: who switched it off, in words.
        """
        look = self.observe()
        if isinstance(look, Outcome):
            reason = f"{why_off}; {_NOT_LOOKED_AT}: {look.reason}"
            return Outcome(self.setting.name, Status.SKIPPED, reason=reason)
        steps = [f"{step.summary}: not done, {why_off}" for step in look.difference.steps]
        difference = replace(look.difference, steps=(), omitted=(*steps, *look.difference.omitted))
        return self._outcome(Status.SKIPPED, difference, (), reason=why_off)

    def run(self, look: Observation | Outcome, patience_seconds: float, log: StepLog) -> WaitingWork[Outcome]:
        """Apply what differs and read back."""
        if isinstance(look, Outcome):
            return look
        # What an earlier delivery wrote and AWS is still carrying out can fail yet.
        if not look.reading.in_motion and not look.difference.steps:
            return self._nothing_to_do(look.difference)
        deadline = self.pace.remaining_seconds() - patience_seconds
        if look.difference.steps and self.setting.lane is not Lane.ALONE:
            again: Observation | Outcome = yield from self._observe_when_active(look, deadline)
            if isinstance(again, Outcome):
                return again
            if again is not look and again.difference.steps:
                log.planned({self.setting.name: [step.summary for step in again.difference.steps]})
            look = again
        return (yield from self._apply_steps(look.difference, deadline, log))

    def _observe_when_active(self, look: Observation, deadline: float) -> WaitingWork[Observation | Outcome]:
        """The same look where the table is ACTIVE; where it has to be waited for, another one afterwards."""
        try:
            if self._may_write():
                return look
            busy = yield from self._wait_until_active(deadline)
        except (*AwsError, TableGoneError) as error:
            busy = _Failure.of(error)
        if busy is not None:
            return self._failed(look.difference, (), [busy])
        # What kept the table busy may have been this very change.
        return self.observe()

    def _read_and_diff(self, *, applied: bool = False) -> Observation:
        reading = read_target(self.setting, self.target, self.desired, applied=applied)
        difference = naming_target(self.setting.diff(self.desired, reading.state), self.target.name)
        difference = without_refused(difference, self.attachable, self.target.account)
        if self.elsewhere is None:
            return Observation(reading, difference)
        return Observation(reading, without_foreign_steps(difference, self.elsewhere))

    def _apply_steps(self, difference: Difference, deadline: float, log: StepLog) -> WaitingWork[Outcome]:
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
                failure = yield from self._apply_step(step, deadline)
            except StepOmitted as omission:
                omitted.append(f"{step.summary}: {omission}")
                left_out[step.summary] = omission.lacks
            except _AlreadyThere as found:
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
            not_visible = yield from self._wait_until_visible(deadline, expected=expected)
            if not_visible is not None:
                failures.append(not_visible)
        steps = tuple(step for step in difference.steps if step not in there_already)
        difference = replace(difference, steps=steps, omitted=(*difference.omitted, *omitted))
        return replace(self._outcome_of_steps(difference, done, failures), left_out_steps=left_out)

    def _outcome_of_steps(
        self, difference: Difference, done: Sequence[Step], failures: Sequence[_Failure]
    ) -> Outcome:
        if failures:
            return self._failed(difference, done, failures)
        return self._outcome(Status.APPLIED, difference, done) if done else self._nothing_to_do(difference)

    def _apply_step(self, step: Step, deadline: float) -> WaitingWork[_Failure | None]:
        """Carry out one step, again while AWS asks for that and the setting's time lasts.

        Raises:
            StepOmitted: from the setting.
            _AlreadyThere: AWS says that there is nothing to carry out.
        """
        attempt = unanswered = 0
        in_doubt = False
        while True:
            attempt += 1
            try:
                self.same_table.check(self.setting.lane)
                if not self._may_write():
                    busy = yield from self._wait_until_active(deadline)
                    if busy is not None:
                        return replace(busy, reason=f"{step.summary}: {busy.reason}", in_doubt=in_doubt)
                self.setting.apply(self.target, step)
            except CannotApplyError as error:
                passes = error.passes and self.refusals_may_pass()
                refusal = _Failure(f"{step.summary}: {error}", retryable=passes, in_doubt=in_doubt)
                delay = self._next_delay(attempt, deadline)
                if not passes or delay is None:
                    return refusal
                yield delay
            except (*AwsError, TableGoneError) as error:
                in_doubt = in_doubt or _may_have_taken_effect(error)
                if classify(error) is ErrorClass.IGNORE:
                    raise _AlreadyThere(in_doubt=in_doubt) from error
                failure = _Failure.of(error, f"{step.summary}: ", in_doubt=in_doubt)
                unanswered += failure.unanswered
                delay = self._next_delay(attempt, deadline, error)
                if not failure.retryable or unanswered > 1 or delay is None:
                    return failure
                yield delay
            else:
                return None

    def _may_write(self) -> bool:
        return self.setting.lane is Lane.ALONE or self._status() == "ACTIVE"

    def _status(self) -> str:
        return retry_reading(self.target.describe, self.pace)["TableStatus"]

    def _wait_until_active(self, deadline: float) -> WaitingWork[_Failure | None]:
        attempt = 0
        while (status := self._status()) != "ACTIVE":
            attempt += 1
            delay = self._next_delay(attempt, deadline)
            if delay is None:
                return _Failure(f"the table is {status}", retryable=True)
            yield delay
            self.target.forget()
        return None

    def _wait_until_visible(self, deadline: float, *, expected: int) -> WaitingWork[_Failure | None]:
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
                look = self._read_and_diff(applied=True)
                missing = _not_visible(look, expected)
                if missing is None:
                    return None
                # AWS's own word that it could not be done: no second look changes that.
                failure = _Failure(f"{_NOT_SEEN}{missing}", retryable=not look.reading.failures)
            except (*AwsError, TableGoneError) as error:
                problem = error
                failure = _Failure.of(error, _NOT_SEEN)
            self.target.forget()
            unanswered += failure.unanswered
            delay = self._next_delay(attempt, deadline, problem)
            if not failure.retryable or unanswered > 1 or delay is None:
                return failure
            yield delay

    def _next_delay(self, attempt: int, deadline: float, error: BaseException | None = None) -> float | None:
        """Seconds to wait before the next look; None where the setting's time, or the function's, is used up."""
        asked_for = (retry_after(error) if error is not None else None) or 0.0
        delay = max(POLL.delay(attempt, self.pace.rng), asked_for)
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
            chosen=difference.chosen,
            reason=reason,
            retryable=retryable,
        )


def _may_have_taken_effect(error: BaseException) -> bool:
    """Whether a request that failed may have been carried out all the same."""
    return not isinstance(error, TableGoneError) and (outcome_unknown(error) or was_retried(error))


def _not_visible(look: Observation, expected: int) -> str | None:
    still_open = look.difference.steps
    if len(still_open) > expected:
        return ", ".join([*(step.summary for step in still_open), *look.reading.failures])
    return ", ".join(look.reading.in_motion) or None
