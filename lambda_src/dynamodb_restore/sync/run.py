"""A run over a target: all settings that are to be brought to the source's: read, diff, apply, read back.

First all settings are looked at, which gives the plan; then the plan is carried out. Who keeps the plan, and notes the end
of each step, can tell after any interruption what was done in all, and not only since then.

AWS carries out much of this in the background, for seconds or minutes. The settings take turns, in one thread: while
one waits, the others go on, within the limits that their lanes set.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from dynamodb_restore.pace import Pace
from dynamodb_restore.settings.setting import Lane, Phase, Setting, State, Table
from dynamodb_restore.sync.attachable import ANYTHING, Attachable
from dynamodb_restore.sync.outcome import Outcome, Status, Switch, SwitchedBy
from dynamodb_restore.sync.reading import Desired, Unreadable
from dynamodb_restore.sync.same_table import SameTableCheck
from dynamodb_restore.sync.step_log import NoStepLog, Plan, StepLog
from dynamodb_restore.sync.task import WAITS_FOR_CUTOVER, Observation, Task
from dynamodb_restore.sync.turns import WaitingWork, take_turns

_FIRST_LANES = (Lane.FIRST, Lane.ALONE, Lane.TABLE)
"""What is looked at before anything is carried out."""

_PATIENCE_SECONDS = 45.0
"""How long one setting may wait in one delivery; what takes longer comes back with the message."""

_FIRST_PATIENCE_SECONDS = 20.0
"""The same for one that all others wait for."""


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
        compared: Collection[str] = (),
        refusals_may_pass: Callable[[], bool] = lambda: True,
    ) -> None:
        """
        Args:
            switched_by: who decided about each switch; None where nobody keeps that.
            source_region: where the source is; None for the target's own region. What is bound to another region
                cannot be used in this one, and is left out and reported.
            attachable: which functions and streams may be attached; what may not is left out and reported.
            held: settings that are looked at and not written, because they wait for an operator.
            compared: settings of which a difference is told also where they are off.
            refusals_may_pass: whether it is so early that a refusal which can pass by itself (`CannotApplyError.passes`) may
                still do so; otherwise it is final, as every other. Asked at each such refusal.
        """
        self._settings = settings
        self._switches = {
            name: Switch(switches.get(name, False), by) for name, by in (switched_by or {}).items()
        }
        self._outcomes: dict[str, Outcome] = {}
        self._observed: dict[str, Observation | Outcome] = {}
        self._tasks: dict[Lane, list[Task]] = {lane: [] for lane in Lane}
        self._held: list[Task] = []
        self._compared: list[tuple[Task, str]] = []
        self._pace = pace
        elsewhere = source_region if source_region != target.clients.region else None
        same_table = SameTableCheck(target, pace)
        for setting in settings:
            state = desired.get(setting.name)
            unread = state is None or isinstance(state, Unreadable)
            off = not switches.get(setting.name, False)
            why_off = _why_switched_off((switched_by or {}).get(setting.name)) if off else ""
            if off and (setting.name not in compared or state is None):
                self._outcomes[setting.name] = Outcome(setting.name, Status.SKIPPED, reason=why_off)
            elif off and isinstance(state, Unreadable):
                reason = f"{why_off}; whether the target differs is not known: {state.reason}"
                self._outcomes[setting.name] = Outcome(setting.name, Status.SKIPPED, reason=reason)
            elif not off and setting.phase not in phases and (unread or setting.name not in held):
                reason = _why_it_waits(state)
                self._outcomes[setting.name] = Outcome(setting.name, Status.SKIPPED, reason=reason)
            elif state is None or isinstance(state, Unreadable):
                self._outcomes[setting.name] = _failed_to_read(setting, state)
            else:
                task = Task(
                    setting, state, target, pace, elsewhere, same_table, attachable, refusals_may_pass
                )
                if off:
                    self._compared.append((task, why_off))
                else:
                    (self._held if setting.name in held else self._tasks[setting.lane]).append(task)

    def plan(self) -> Plan:
        """Look at all settings but those of the last lane, which build on what the others do."""
        return self._observe(task for lane in _FIRST_LANES for task in self._tasks[lane])

    def run(self, log: StepLog | None = None) -> list[Outcome]:
        """Carry the plan out, and say how each setting ended, in their order.

        Args:
            log: is told the plan of the last lane, where it has steps, before it is carried out, and the end of every
                step.
        """
        log = log or NoStepLog()
        self._observe_remaining(_FIRST_LANES)
        take_turns(self._run_independently(Lane.FIRST, log, _FIRST_PATIENCE_SECONDS), self._pace)
        alone = self._run_independently(Lane.ALONE, log, _PATIENCE_SECONDS)
        take_turns([*alone, self._run_in_order(self._tasks[Lane.TABLE], log)], self._pace)
        last = self._observe(self._tasks[Lane.LAST])
        if last:
            log.planned(last)
        take_turns([self._run_in_order(self._tasks[Lane.LAST], log)], self._pace)
        self._observe_what_is_not_applied()
        return self._outcomes_in_order()

    def rehearse(self) -> list[Outcome]:
        """Say what a run would do, and do nothing."""
        self._observe_remaining(Lane)
        for task in (task for tasks in self._tasks.values() for task in tasks):
            self._outcomes[task.setting.name] = task.planned_outcome(self._observed[task.setting.name])
        self._observe_what_is_not_applied()
        return self._outcomes_in_order()

    def _observe_what_is_not_applied(self) -> None:
        """Say what waits for an operator, and how the target differs in what is off; last, when the target has all else."""
        for task in self._held:
            self._outcomes[task.setting.name] = task.held_outcome()
        for task, why_off in self._compared:
            self._outcomes[task.setting.name] = task.compared_outcome(why_off)

    def _outcomes_in_order(self) -> list[Outcome]:
        names = [setting.name for setting in self._settings]
        return [replace(self._outcomes[name], switch=self._switches.get(name)) for name in names]

    def _observe_remaining(self, lanes: Iterable[Lane]) -> None:
        tasks = (task for lane in lanes for task in self._tasks[lane])
        self._observe([task for task in tasks if task.setting.name not in self._observed])

    def _observe(self, tasks: Iterable[Task]) -> Plan:
        plan = {}
        for task in tasks:
            look = self._observed[task.setting.name] = task.observe()
            if isinstance(look, Observation) and look.difference.steps:
                plan[task.setting.name] = [step.summary for step in look.difference.steps]
        return plan

    def _run_independently(self, lane: Lane, log: StepLog, patience: float) -> list[WaitingWork[None]]:
        return [self._run_in_order([task], log, patience) for task in self._tasks[lane]]

    def _run_in_order(
        self, tasks: Iterable[Task], log: StepLog, patience: float = _PATIENCE_SECONDS
    ) -> WaitingWork[None]:
        for task in tasks:
            name = task.setting.name
            outcome = self._outcomes[name] = yield from task.run(self._observed[name], patience, log)
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


def _why_it_waits(state: State | Unreadable | None) -> str:
    """Why a setting is skipped while changes are replayed; also that its source could not be read, which may be gone by cutover."""
    if isinstance(state, Unreadable):
        return f"{WAITS_FOR_CUTOVER}, which reads the source again: {state.reason}"
    return WAITS_FOR_CUTOVER


def _why_switched_off(by: SwitchedBy | None) -> str:
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


def _failed_to_read(setting: Setting, state: Unreadable | None) -> Outcome:
    if state is None:
        return Outcome(setting.name, Status.FAILED, reason="it was never read from the source")
    reason = f"cannot read the source: {state.reason}"
    return Outcome(setting.name, Status.FAILED, reason=reason, retryable=state.retryable)
