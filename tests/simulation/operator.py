"""The person at the pipeline: asks how it stands, does what the answers say, and ends the replay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dynamodb_restore.actions.abandon import abandon
from dynamodb_restore.actions.context import ActionContext, OperatorError
from dynamodb_restore.actions.cutover import CutoverRequest, cutover
from dynamodb_restore.actions.status import status
from dynamodb_restore.aws import AwsError
from dynamodb_restore.backoff import Backoff
from dynamodb_restore.config import Polling, WorkerConfig
from dynamodb_restore.pace import Pace
from dynamodb_restore.pipeline.claim import ClaimState
from dynamodb_restore.restore.announce import Announcer
from dynamodb_restore.restore.clone import Cloner
from dynamodb_restore.restore.record import RestoreRecords
from tests.aws.errors import ProcessDeath
from tests.simulation.estate import RESTORES, Estate
from tests.simulation.functions import Functions
from tests.simulation.plan import Ending

if TYPE_CHECKING:
    from tests.simulation.world import World

_SECONDS = 300.0
"""The timeout of the operator function."""

_WAITED_FOR = 25
"""Seconds: the longest batching window that each call of cutover waits for."""

_MOST_CALLS = 3000
"""After so many calls it never comes to an end. Where one request in seven goes wrong, and the function dies in between, an answer
that takes thirty requests comes about once in a hundred calls: 300 calls in a row were once too few in 10,000 histories."""

Answer = dict[str, Any]

_TOLD: Answer = {"result": "told"}
"""The end was told by this call, or by an earlier one whose own answer was lost."""


class Operator:
    """A person who does what the answers of the actions say, and stops the writers before a cutover."""

    def __init__(self, world: World, estate: Estate, functions: Functions) -> None:
        self._world = world
        self._estate = estate
        self._functions = functions
        self._repaired = False

    def look(self) -> Answer | None:
        """Ask for the status; None where that failed."""
        return self._ask("status", lambda context: status(context, self._estate.pipeline))

    def try_cutover(self) -> Answer | None:
        """Ask for cutover, with no more writes meanwhile; once more where it says so.

        Where a batching window is so long that the last call cannot wait for it, the writers stay stopped from the first to
        the last. Otherwise it does no harm to go on writing in between.
        """
        self._world.stop_writing()
        answer = self._cutover()
        if answer is not None and "settling_until" in answer:
            if self._estate.plan.batching_window <= _WAITED_FOR and self._estate.rng.random() < 0.5:
                self._world.stop_writing(stopped=False)
            self._wait_for(answer)
            self._world.write_some()
            self._world.stop_writing()
            answer = self._cutover()
        for _ in range(_MOST_CALLS):
            if answer is not None:
                break
            # Nothing is known: the writers stay stopped.
            answer = self._cutover()
        if answer is None or "result" not in answer:
            self._world.stop_writing(stopped=False)
        return answer

    def finish(self) -> Answer | None:
        """End the replay as the plan says; None where it was refused for something that nothing brings back."""
        match self._estate.plan.ending:
            case Ending.ABANDONED:
                return self._until_told(lambda: self._ask("abandon", self._abandon))
            case Ending.FORCED:
                return self._until_told(lambda: self._cutover(force=True))
        return self._cut_over()

    def _cut_over(self) -> Answer | None:
        accepted: set[str] = set()
        answer: Answer | None = None
        for _ in range(_MOST_CALLS):
            answer = self._cutover(accepted)
            if self._is_over():
                return _TOLD
            if answer is None or "settling_until" in answer:
                self._wait_for(answer)
                continue
            if "result" in answer:
                return answer
            codes = {obstacle["code"] for obstacle in answer["refused"]}
            if codes & self._estate.lost:
                return None
            self._mend(codes, accepted)
        raise AssertionError(f"cutover never comes to an end: {answer}")

    def _mend(self, codes: set[str], accepted: set[str]) -> None:
        """Do what the reasons of a refusal say."""
        if "quarantine" in codes and not self._repaired:
            self._repaired = True
            self._functions.repair()
        elif codes == {"quarantine"}:
            accepted.add("quarantine")
        if "capture_misdirected" in codes:
            self._estate.apply()
            self._estate.pipeline.capture.switch(enabled=True)
        if codes & {"set_aside", "discarded"} or codes == {"capture_stuck"}:
            self._functions.bring_in()
        self._world.pass_time(20)
        if "in_doubt" in codes:
            self._world.pass_time(300)

    def _until_told(self, ask: Callable[[], Answer | None]) -> Answer:
        answer: Answer | None = None
        for _ in range(_MOST_CALLS):
            answer = ask()
            if self._is_over():
                return _TOLD
            if answer is not None and ("result" in answer or "released" in answer):
                return answer
            self._wait_for(answer)
        raise AssertionError(f"it never comes to an end: {answer}")

    def _is_over(self) -> bool:
        claim = self._estate.claim()
        return claim is None or claim.state is ClaimState.WATCHING

    def _wait_for(self, answer: Answer | None) -> None:
        until = datetime.fromisoformat(answer["settling_until"]) if answer else self._estate.now()
        self._world.pass_time(max(1.0, (until - self._estate.now()).total_seconds()))

    def _cutover(self, accepted: Sequence[str] | set[str] = (), *, force: bool = False) -> Answer | None:
        request = CutoverRequest(10.0, sorted(accepted), force)
        return self._ask("cutover", lambda context: cutover(context, self._estate.pipeline, request))

    def _abandon(self, context: ActionContext) -> Answer:
        return abandon(context, self._estate.pipeline)

    def _ask(self, action: str, act: Callable[[ActionContext], Answer]) -> Answer | None:
        """Invoke the operator function; None where it died, failed, or says that it makes no sense now."""
        self._estate.census[f"{action} asked for"] += 1
        try:
            answer = self._functions.invoke(_SECONDS, lambda: act(self._context()))
        except (ProcessDeath, *AwsError):
            self._estate.census[f"{action} interrupted"] += 1
            return None
        except OperatorError:
            self._estate.census[f"{action} refused"] += 1
            return None
        if "refused" in answer:
            self._estate.census[f"{action} refused"] += 1
        return answer

    def _context(self) -> ActionContext:
        clients, clock = self._estate.clients, self._estate.clock
        ends_at = clock.now + _SECONDS
        pace = Pace(
            sleep=self._world.pass_time, remaining_seconds=lambda: ends_at - clock.now, rng=self._estate.rng
        )
        config = WorkerConfig(
            restore_table_name=RESTORES,
            restore_queue_url="",
            dead_letter_queue_url="",
            notification_topic_arn=None,
            event_bus_name="default",
            switches={},
            polling=Polling(3, Backoff(1, 2, 10, 0)),
            record_retention_days=90,
        )
        records = RestoreRecords(clients, RESTORES, timedelta(days=90))
        announcer = Announcer(clients, "default", None)
        return ActionContext(config, records, announcer, Cloner(clients, records, (), pace), self._estate.now)
