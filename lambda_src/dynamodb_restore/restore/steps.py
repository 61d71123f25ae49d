"""The recorded steps of one restore: those that were carried out, and those whose result is not known.

A step is noted as planned before the first of them is taken, and as done once AWS has taken it. What is planned and not
done belongs to a delivery that was interrupted, or to a call that got no answer: nobody can say whether it was carried
out, and so no report does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dynamodb_restore.restore.bounds import first_of, fitted, json_bytes, shortened
from dynamodb_restore.sync.outcome import Outcome, Status

Plan = Mapping[str, Sequence[str]]
"""Setting name to the summaries of steps."""

_INTERRUPTED = "the delivery that applied it was interrupted before it could tell how it ended"


@dataclass(frozen=True)
class Steps:
    """The steps of one restore, by setting, each by its summary, which is shortened where it is long.

    Attributes:
        planned: those that some delivery was about to take, and whose end is not on record.
        done: those that AWS took from this restore.
    """

    planned: Plan = field(default_factory=dict)
    done: Plan = field(default_factory=dict)

    def tried(self, setting: str) -> bool:
        """Whether a step of a setting was taken, or may have been: it was lacking when it was planned."""
        return bool(self.planned.get(setting) or self.done.get(setting))

    def with_plan(self, plan: Plan) -> Steps:
        """Once more steps are planned; those that were planned before stay so until their end is known."""
        return replace(self, planned=_union(self.planned, _shortened(plan)))

    def with_done(self, setting: str, step: str) -> Steps:
        """Once AWS has taken a step."""
        line = shortened(step)
        return Steps(_without(self.planned, setting, line), _union(self.done, {setting: [line]}))

    def with_not_done(self, setting: str, step: str) -> Steps:
        """Once a step is known not to have been taken."""
        return replace(self, planned=_without(self.planned, setting, shortened(step)))

    def within(self, most_bytes: int) -> Steps:
        """The same in at most so many bytes as JSON, both kinds cut to equally many lines a setting."""

        def cut(count: int) -> Steps:
            return Steps(_first_of(self.planned, count), _first_of(self.done, count))

        def bytes_of(steps: Steps) -> int:
            return json_bytes([steps.planned, steps.done])

        lines = max((len(each) for each in (*self.planned.values(), *self.done.values())), default=0)
        return fitted(self, cut, bytes_of, most_bytes, lines)

    def with_noted_steps(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Outcomes of one delivery that also tell what all deliveries have done."""
        return [self._with_noted_steps(outcome) for outcome in outcomes]

    def on_record(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """The outcomes that the last delivery left, and one for each setting of which it left only steps."""
        known = {outcome.setting for outcome in outcomes}
        left = [name for name in {**self.done, **self.planned} if name not in known]
        return self.with_noted_steps(
            [*outcomes, *(Outcome(name, Status.FAILED, reason=_INTERRUPTED, retryable=True) for name in left)]
        )

    def _with_noted_steps(self, outcome: Outcome) -> Outcome:
        still_open = {shortened(step) for step in outcome.still_open or ()}
        now = {shortened(step): step for step in outcome.done}
        noted = [step for step in self.done.get(outcome.setting, ()) if step not in still_open]
        done = (
            *(now.get(step, step) for step in noted),
            *(step for line, step in now.items() if line not in noted),
        )
        planned = self.planned.get(outcome.setting, ())
        ended = {*still_open, *noted, *now}
        in_doubt = tuple(step for step in planned if step not in ended)
        outcome = replace(outcome, done=done, in_doubt=in_doubt)
        looked_at = outcome.still_open is not None
        if done and looked_at and not outcome.held and outcome.status in (Status.UNCHANGED, Status.SKIPPED):
            return replace(outcome, status=Status.APPLIED, reason=None)
        return outcome


def _union(earlier: Plan, later: Plan) -> dict[str, list[str]]:
    """The steps of two plans, each once."""
    return {
        name: list(dict.fromkeys([*earlier.get(name, ()), *later.get(name, ())]))
        for name in {**earlier, **later}
    }


def _shortened(plan: Plan) -> dict[str, list[str]]:
    return {name: [shortened(step) for step in steps] for name, steps in plan.items()}


def _first_of(plan: Plan, count: int) -> dict[str, list[str]]:
    return {name: list(first_of(steps, count)) for name, steps in plan.items()}


def _without(plan: Plan, setting: str, step: str) -> dict[str, list[str]]:
    left = {name: [each for each in steps if (name, each) != (setting, step)] for name, steps in plan.items()}
    return {name: steps for name, steps in left.items() if steps}
