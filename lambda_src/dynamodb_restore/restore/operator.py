"""What a person does about a replay: look at it, cut over, abandon it, repair what was refused.

Each action may be repeated, and takes up where an earlier try stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from dynamodb_restore.aws import TableRef
from dynamodb_restore.changes.change import Attributes
from dynamodb_restore.changes.clock import Clock
from dynamodb_restore.changes.doubt import DoubtStore
from dynamodb_restore.changes.pipeline import Claim, ClaimState, Registration
from dynamodb_restore.changes.progress import lagging_groups
from dynamodb_restore.changes.quarantine import Quarantine
from dynamodb_restore.changes.rewrite import rewrite
from dynamodb_restore.changes.window import Window
from dynamodb_restore.restore.handover import ChangesGivenUp
from dynamodb_restore.restore.outcome import Outcome, Status
from dynamodb_restore.restore.record import RestoreKey, RestoreRecord
from dynamodb_restore.restore.report import Report, Result, overall
from dynamodb_restore.restore.request import iso, parse_time
from dynamodb_restore.restore.worker import Worker, replay_notes
from dynamodb_restore.settings.setting import Table

_SHOWN_KEYS = 20
_LOOK_SECONDS = 1.0
"""Between two looks at whether the buffer stays empty."""

_CHANGED = "the restore moved on meanwhile and nothing was done: look at status, then try again"

_NOT_LOOKED_AT = (
    "whether capture gave up any changes is not known: an older release registered the pipeline, which does not tell "
    "its failure bucket; look there yourself before you trust this, and apply the present release"
)

_BRING_IN = 'bring them in as README.md says under "What capture gave up", or abandon and restore again'

_START_OVER = (
    "abandon and restore again, for the window has an end: what is brought in is what the source has now, which may be "
    "from after it"
)

_SETTINGS_LEFT = "settings that waited for cutover were not applied: invoke the restore worker on the two tables to apply them"


class OperatorError(Exception):
    """The action makes no sense as things stand; the text says what would."""


@dataclass(frozen=True)
class Operator:
    """The actions, for pipelines of this account and region."""

    worker: Worker

    def status(self, source: str) -> dict[str, Any]:
        """How the replay into the target of `source` stands; README.md documents it field by field.

        Raises:
            OperatorError: the table has no pipeline.
        """
        handover = self.worker.handover
        pipeline = handover.pipelines.registration(source)
        if pipeline is None:
            raise OperatorError(f"{source} has no pipeline: add it to `tables`, or check the table's name")
        claim = handover.pipelines.claim(source)
        captured, replayed = handover.progress(source)
        buffer = handover.buffer(pipeline)
        answer: dict[str, Any] = {
            "table": source,
            "state": claim.state.value if claim else "idle",
            "capture": {
                "mode": pipeline.mode.value,
                "mapping": handover.mapping(pipeline.capture_mapping).get("State"),
                "changes": captured.changes,
                "through": _instant(max((p.time for p in captured.positions.values()), default=None)),
            },
            "buffer": {"waiting": buffer.waiting, "in_flight": buffer.in_flight},
            "undecodable_bundles": handover.set_aside(pipeline),
        }
        if claim is None:
            return {**answer, "next": "nothing: capture begins when a restore is requested"}
        lagging = lagging_groups(captured, replayed)
        behind = [
            replayed.positions[g].time if g in replayed.positions else claim.window.start for g in lagging
        ]
        through = min(behind) if behind else max((p.time for p in captured.positions.values()), default=None)
        record = self.worker.records.get(self._key(claim))
        refused = list(islice(self._quarantine(claim).items(), _SHOWN_KEYS + 1))
        not_drained = handover.not_drained(source)
        given_up = handover.given_up(pipeline, claim.window.start)
        obstacles = self._obstacles(pipeline, claim, not_drained, given_up)
        return {
            **answer,
            "target": claim.target,
            "restore_id": claim.restore_id,
            "claimed_at": iso(claim.claimed_at),
            "window": _window(claim.window),
            "gap_seconds": claim.gap_seconds,
            "replay": {
                "mapping": handover.mapping(pipeline.replay_mapping).get("State"),
                "changes": replayed.changes,
                "through": _instant(through),
                "lagging_groups": len(lagging),
            },
            "given_up": _shown(given_up),
            "quarantined": [{"key": item.key, "reason": item.reason} for item in refused[:_SHOWN_KEYS]],
            "more_quarantined": len(refused) > _SHOWN_KEYS,
            "drained": not not_drained,
            "settings": [outcome.as_json() for outcome in record.outcomes] if record else [],
            "next": "cutover" if not obstacles else "; ".join(obstacles),
        }

    def cutover(self, source: str, *, force: bool, settle_seconds: float) -> dict[str, Any]:
        """Make the target take over: refuse while it lacks anything, then finish its settings and let go.

        The caller has stopped writing to the source. Nothing new may be captured for `settle_seconds`, and
        the buffer must be empty then, so that the last writes are known to have arrived.

        Args:
            force: cut over although there are obstacles; they are in the report.

        Returns:
            The report (`Report.as_json`), or `{"refused": [why, …]}`.

        Raises:
            OperatorError: no restore owns the pipeline.
        """
        worker = self.worker
        claim = self._claim(source)
        obstacles: list[str] = []
        if claim.state is ClaimState.REPLAYING:
            obstacles = self._settle(source, claim, settle_seconds)
            if obstacles and not force:
                return {"refused": obstacles}
        elif claim.state is not ClaimState.CUTTING_OVER:
            return {"refused": [f"the restore into {claim.target} is {claim.state.value}, not replaying"]}
        pipeline = worker.handover.pipeline(source)
        record = self._record(claim)
        claim = self._fenced(source, claim, ClaimState.CUTTING_OVER)
        target = Table(claim.target, worker.clients, overrides=record.overrides)
        treated = worker.treatment_of(record.request, record.settings)
        states = worker.source_states(TableRef(source), record.settings, treated)
        sync = worker.sync(states, target, treated)
        outcomes = worker.plan_and_carry_out(sync, self._key(claim), record.plan)
        notes = [*replay_notes(claim), *(f"cut over although {obstacle}" for obstacle in obstacles)]
        if pipeline.failure_bucket is None:
            notes.append(_NOT_LOOKED_AT)
        report = self._report(overall(outcomes), source, claim, record, outcomes, notes)
        if any(outcome.retryable for outcome in outcomes if outcome.status is Status.FAILED):
            # The claim stays as it is, fenced: the same call again goes on from here.
            return {**report.as_json(), "next": "cutover again: some settings can still be applied"}
        self._end(source, claim, report)
        return report.as_json()

    def abandon(self, source: str) -> dict[str, Any]:
        """Release the pipeline and leave the target as it is.

        Before replay has begun, only the pipeline is given up: the restore's settings are still cloned.

        Raises:
            OperatorError: no restore owns the pipeline.
        """
        claim = self._claim(source)
        if claim.state is ClaimState.CAPTURING:
            self.worker.handover.end(source, claim, replayed=False)
            return {
                "released": f"no changes will be replayed into {claim.target}; its settings are still cloned"
            }
        # Before anybody is told that it is over.
        self.worker.handover.pipeline(source)
        # A restore that died before it wrote its record must not hold the pipeline for ever.
        record = self.worker.records.get(self._key(claim))
        outcomes = record.outcomes if record else ()
        fenced = self._fenced(source, claim, ClaimState.ABANDONING)
        notes = [*replay_notes(claim), _SETTINGS_LEFT]
        report = self._report(Result.ABANDONED, source, fenced, record, outcomes, notes)
        self._end(source, fenced, report)
        return report.as_json()

    def repair(self, source: str) -> dict[str, Any]:
        """Read the quarantined items from the source again and write what it has now.

        Returns:
            `{"repaired": count, "refused": [{"key", "reason"}, …]}`.

        Raises:
            OperatorError: no restore owns the pipeline.
        """
        claim = self._claim(source)
        quarantine = self._quarantine(claim)
        repaired, refused = 0, []
        for item in quarantine.items():
            if not quarantine.begin_repair(item):
                continue
            reason = self._rewrite(source, claim, item.key)
            if reason is None and not quarantine.resolve(item):
                reason = "a later change of it was refused meanwhile"
            if reason is None:
                repaired += 1
            else:
                refused.append({"key": item.key, "reason": reason})
        return {"repaired": repaired, "refused": refused}

    def set_window(self, source: str, start: Any, end: Any) -> dict[str, Any]:
        """Choose which changes are replayed, before replay has begun.

        Args:
            start: the first instant to replay, in any form that `parse_time` reads.
            end: the instant before which the last change lies; None for no end.

        Raises:
            OperatorError: no restore owns the pipeline, or it replays already.
            RequestError: not a time.
        """
        claim = self._claim(source)
        if claim.state is not ClaimState.CAPTURING:
            raise OperatorError(f"the restore into {claim.target} is {claim.state.value}: its window stands")
        window = Window(
            int(parse_time(start).timestamp()), None if end is None else int(parse_time(end).timestamp())
        )
        if window.end is not None and window.end <= window.start:
            raise OperatorError("the window ends before it begins")
        chosen = replace(claim, window=window, window_chosen=True)
        if self.worker.handover.pipelines.update(source, chosen) is None:
            raise OperatorError(_CHANGED)
        return {"window": _window(window)}

    def _settle(self, source: str, claim: Claim, settle_seconds: float) -> list[str]:
        """Watch the buffer until nothing has come in for a while; say what stands in the way of cutover."""
        handover, pace = self.worker.handover, self.worker.pace
        before, _ = handover.progress(source)
        watched = 0.0
        while watched < settle_seconds:
            look = min(_LOOK_SECONDS, settle_seconds - watched)
            pace.sleep(look)
            watched += look
        pipeline, not_drained = handover.pipeline(source), handover.not_drained(source)
        # After the mappings were looked at: see `given_up`.
        given_up = handover.given_up(pipeline, claim.window.start)
        # Last: what was brought in, and so removed from the bucket, after the buffer was looked at has arrived by now.
        after, _ = handover.progress(source)
        obstacles = self._obstacles(pipeline, claim, not_drained, given_up)
        if after.changes != before.changes:
            count = after.changes - before.changes
            obstacles.insert(
                0, f"{count} changes arrived within {settle_seconds:g} s: stop writing to {source} first"
            )
        return obstacles

    def _obstacles(
        self,
        pipeline: Registration,
        claim: Claim,
        not_drained: Sequence[str],
        given_up: ChangesGivenUp | None,
    ) -> list[str]:
        """Why cutting over now would leave the target without something that its source has."""
        if claim.state is not ClaimState.REPLAYING:
            return [f"the restore into {claim.target} is {claim.state.value}"]
        obstacles = list(not_drained)
        refused = sum(1 for _ in self._quarantine(claim).items())
        if refused:
            obstacles.append(f"{refused} items are in quarantine: see status, mend the cause, run repair")
        lost = self.worker.handover.set_aside(pipeline)
        if lost:
            obstacles.append(f"{lost} bundles could not be decoded and lie on the FIFO dead-letter queue")
        if given_up is not None:
            obstacles += _missing(given_up, claim.window)
        if claim.gap_seconds:
            obstacles.append(
                f"{claim.gap_seconds} s of changes after the restore point could not be captured"
            )
        return obstacles

    def _fenced(self, source: str, claim: Claim, state: ClaimState) -> Claim:
        fenced = self.worker.handover.fence(source, claim, state)
        if fenced is None:
            raise OperatorError(_CHANGED)
        return fenced

    def _end(self, source: str, claim: Claim, report: Report) -> None:
        worker = self.worker
        worker.announcer.announce(report)
        worker.records.save_report(self._key(claim), report, worker.now(), by_operator=True)
        worker.handover.end(source, claim, replayed=True)

    def _rewrite(self, source: str, claim: Claim, key: Attributes) -> str | None:
        """Make one item of the target what it is in the source; why not, where the target refuses."""
        worker = self.worker
        pace = worker.pace
        clock = Clock(
            monotonic=lambda: -pace.remaining_seconds(),
            sleep=pace.sleep,
            deadline=0.0,
            rng=pace.rng,
            now=lambda: worker.now().timestamp(),
            reserve_seconds=0.0,
        )
        pipeline = worker.handover.pipeline(source)
        note = DoubtStore(worker.clients, worker.config.restore_table_name, source, pipeline.buffer_id).note(
            claim.restore_id, sent_until=clock.ends_at, invocation=f"repair-{clock.rng.getrandbits(64):016x}"
        )
        note.begin([key])
        # Where this raises, the write may take effect later: the note stands.
        reason = rewrite(worker.clients, source, claim.target, key, clock)
        note.end()
        return reason

    def _claim(self, source: str) -> Claim:
        claim = self.worker.handover.pipelines.claim(source)
        if claim is None:
            raise OperatorError(f"no restore owns the pipeline of {source}: there is nothing to do")
        return claim

    def _record(self, claim: Claim) -> RestoreRecord:
        record = self.worker.records.get(self._key(claim))
        if record is None:
            raise OperatorError(f"the record of restore {claim.restore_id} is gone; abandon it")
        return record

    def _quarantine(self, claim: Claim) -> Quarantine:
        return Quarantine(self.worker.clients, self.worker.config.restore_table_name, claim.restore_id)

    def _key(self, claim: Claim) -> RestoreKey:
        return RestoreKey(claim.target, claim.restore_id)

    def _report(
        self,
        result: Result,
        source: str,
        claim: Claim,
        record: RestoreRecord | None,
        outcomes: Sequence[Outcome],
        notes: Sequence[str],
    ) -> Report:
        request = record.request if record else {}
        requested_at = request.get("requested_at")
        return Report(
            result,
            source,
            claim.target,
            finished_at=self.worker.now(),
            attempts=record.attempts if record else 1,
            restore_id=claim.restore_id,
            requested_at=parse_time(requested_at) if requested_at else None,
            requested_by=request.get("requested_by"),
            restore_point=record.restore_point if record else None,
            outcomes=outcomes,
            notes=notes,
        )


def _missing(given_up: ChangesGivenUp, window: Window) -> list[str]:
    if given_up.unknown is not None:
        return [f"the failure bucket could not be looked into: {given_up.unknown}"]
    if not given_up.objects:
        return []
    more = " and more" if given_up.objects > len(given_up.first) else ""
    which = f"{given_up.objects} ({', '.join(given_up.first)}{more})"
    advice = _BRING_IN if window.end is None else _START_OVER
    return [f"batches of changes that capture gave up lie in the failure bucket: {which}; {advice}"]


def _shown(given_up: ChangesGivenUp | None) -> dict[str, Any] | None:
    if given_up is None:
        return None
    return {"objects": None if given_up.unknown else given_up.objects, "first": list(given_up.first)}


def _window(window: Window) -> dict[str, str | None]:
    return {"start": _instant(window.start), "end": _instant(window.end)}


def _instant(epoch_seconds: int | None) -> str | None:
    return None if epoch_seconds is None else iso(datetime.fromtimestamp(epoch_seconds, UTC))
