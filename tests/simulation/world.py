"""A seeded world: a live table, its stream, capture, the buffer, replay, a target that was restored from it, and a person.

Everything runs in one thread on virtual time, so a seed decides all. Actors act between the calls of others: the table is
written while replay reads it, capture runs while replay does, and all of them run while a cutover waits.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from dynamodb_restore.aws import TableRef
from dynamodb_restore.changes.bundle import LATE_SECONDS
from dynamodb_restore.changes.window import Window
from dynamodb_restore.pipeline.boundary import RestorePoint
from dynamodb_restore.pipeline.claim import Claim, ClaimState
from dynamodb_restore.restore.record import Lease, RestoreKey, RestoreRecords
from dynamodb_restore.restore.report import Report, Result
from tests.aws.attributes import Item
from tests.aws.hazards import meanwhile
from tests.simulation.estate import ASIDE, Estate
from tests.simulation.functions import Functions
from tests.simulation.operator import Operator
from tests.simulation.plan import REFUSED, RESTORE_ID, Ending, Plan
from tests.simulation.promises import BrokenPromiseError, Promises
from tests.unit.builders import request as restore_request

_RETENTION = timedelta(days=90)
_ROUND_SECONDS = 5.0
_UPKEEP_SECONDS = 300.0
_HOUR = 3600.0
_DAY_HOURS = 23
_FORTNIGHT_HOURS = 14 * 24


class World:
    """One history, from before the restore to some time after its end."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.plan = Plan.draw(self.rng)
        self.estate = Estate(self.plan, self.rng)
        self.clock = self.estate.clock
        self.functions = Functions(self.estate)
        self.operator = Operator(self, self.estate, self.functions)
        self.promises = Promises(self.estate)
        self.estate.wire.hazards.insert(0, meanwhile(self._meanwhile))
        self._acting = 0
        self._calm = False
        self._writing = True
        self._versions = 0
        self._next_round = self._next_upkeep = 0.0
        self._cut_short: dict[str, Any] | None = None

    def run(self) -> None:
        """Live one history and check what was promised.

        Raises:
            BrokenPromiseError: a guarantee does not hold.
        """
        self._restore()
        self.estate.faults.rate = self.plan.fault_share
        self.estate.late_share = self.plan.late_share
        self.estate.choices.unkind = self.plan.fault_share > 0
        ending = Ending.CUTOVER
        answer = self._live()
        if self._cut_short is not None:
            answer, ending = self._cut_short, self.plan.ending
        elif answer is None:
            self._become_calm()
            self.stop_writing()
            claim = self.estate.claim()
            if claim is not None and claim.state is ClaimState.CAPTURING:
                self._start_replay()
            ending = self.plan.ending
            answer = self.operator.finish()
        self._judge(answer, ending)
        self._become_calm()
        self._afterwards(answer, ending)

    def _become_calm(self) -> None:
        self.estate.calm()
        self._calm = True

    # The restore

    def _restore(self) -> None:
        """A restore has begun: its target holds what the source had, give or take, at the restore point."""
        estate = self.estate
        self.write_some()
        self.promises.snapshot = dict(estate.source.items)
        estate.target.items = dict(estate.source.items)
        restore_point = self.clock.now - self.plan.snapshot_error
        while self.clock.now < restore_point:
            self._write()
            self.clock.sleep(2.0)
        self.write_some()
        point = RestorePoint(estate.at(restore_point), of_backup=self.plan.of_backup)
        claim = estate.pipeline.begin(RESTORE_ID, "target", point)
        if claim is None or claim.gap_seconds:
            raise BrokenPromiseError(f"the pipeline was not claimed with full cover: {claim}")
        if self.plan.window_seconds is not None:
            start = int(restore_point)
            window = Window(start, start + self.plan.window_seconds)
            estate.pipeline.claims.update(replace(claim, window=window, window_chosen=True))
            # What is brought in could be from after the end, so it is not.
            estate.lost |= {"set_aside", "discarded"}
        self._record(point)

    def _record(self, point: RestorePoint) -> None:
        now = self.estate.now()
        request = restore_request(
            source=TableRef("source"), target=TableRef("target"), requested_at=now, restore_point=point.at
        )
        key, records = (
            RestoreKey("target", RESTORE_ID),
            RestoreRecords(self.estate.clients, "restores", _RETENTION),
        )
        records.take_lead(key, request, None, request.event_id, Lease("worker", now), now)
        records.save_report(key, Report(Result.REPLAYING, "source", "target", now), now)

    def _start_replay(self) -> None:
        """The target is ACTIVE. Lambda takes no change of a mapping that it is changing: the worker comes again."""
        replaying = self.estate.pipeline.start_replay(self._claim(), None)
        if replaying is None:
            raise BrokenPromiseError("replay did not start")
        self.promises.window = replaying.window
        if replaying.gap_seconds and "gap" not in self.estate.lost:
            raise BrokenPromiseError(f"a gap of {replaying.gap_seconds} s, and nothing was lost")

    def _claim(self) -> Claim:
        claim = self.estate.claim()
        if claim is None:
            raise BrokenPromiseError("the claim is gone")
        return claim

    # The history

    def _live(self) -> dict[str, Any] | None:
        """All steps; the report of a cutover that came about on the way, if one did."""
        starts_replay = self.rng.randint(0, self.plan.steps // 2)
        for step in range(self.plan.steps):
            if step == starts_replay:
                self._start_replay()
            if step == self.plan.replaced_at:
                self.estate.replace_stream()
            if step == self.plan.pause_at:
                self._pause()
            self._act()
            if self._is_cut_short():
                return None
            self.promises.check_progress(self.functions.noted)
            if step > starts_replay and self.rng.random() < 0.01:
                answer = self.operator.try_cutover()
                if self._is_cut_short():
                    return None
                if answer is not None and "result" in answer:
                    return answer
                claim = self.estate.claim()
                if claim is None or claim.state is not ClaimState.REPLAYING:
                    return None
        return None

    def _is_cut_short(self) -> bool:
        return self._cut_short is not None

    def _act(self) -> None:
        actors: list[tuple[float, Callable[[], object]]] = [
            (40, self._write),
            (5, self._write_many),
            (2, self._storm),
            (20, self.functions.capture_some),
            (16, self.functions.replay_some),
            (4, self.functions.hold_some),
            (4, self._start_held),
            (6, self._idle),
            (3, self._split),
            (2, self.functions.upkeep),
            (1, self.operator.look),
            (1, self.functions.repair),
            (1, self.functions.bring_in),
            (8 if self.estate.aside.messages else 0, self._redrive),
        ]
        (actor,) = self.rng.choices([actor for _, actor in actors], [weight for weight, _ in actors])
        actor()

    def _meanwhile(self) -> None:
        if self._acting or self._calm or self.rng.random() >= 0.05:
            return
        self._acting += 1
        try:
            functions = self.functions
            others = [self._write] * 4 + [functions.capture_some, functions.replay_some] * 2
            self.rng.choice([*others, self._start_held, functions.upkeep, functions.repair, self._end_now])()
        finally:
            self._acting -= 1

    def _end_now(self) -> None:
        """A person ends the replay while an invocation is at work."""
        claim = self.estate.claim()
        replays = claim is not None and claim.state is ClaimState.REPLAYING
        if replays and not self.plan.ending.is_clean and self.rng.random() < 0.3:
            self.estate.census["ends while an invocation was at work"] += 1
            self.stop_writing()
            self._cut_short = self.operator.finish()
            self.promises.note_end()

    def pass_time(self, seconds: float, *, round_seconds: float = _ROUND_SECONDS) -> None:
        """Let time pass in which Lambda does what it does, in rounds."""
        until = self.clock.now + seconds
        while self.clock.now < until:
            self.clock.sleep(min(until - self.clock.now, round_seconds))
            if self.clock.now >= self._next_round and not self._acting:
                self._next_round = self.clock.now + round_seconds
                self._round()

    def _round(self) -> None:
        self.functions.capture_all()
        self.functions.replay_some()
        if self.rng.random() < 0.1:
            self._start_held()
        if self.clock.now >= self._next_upkeep:
            self._next_upkeep = self.clock.now + _UPKEEP_SECONDS
            self.functions.upkeep()

    def _pause(self) -> None:
        """For hours, no function gets to run; Lambda and the queue give up what becomes too old."""
        hours = self.plan.pause_hours
        self.estate.census["pauses of a day or of weeks"] += 1
        if hours > _FORTNIGHT_HOURS:
            self.estate.lost |= {"gap", "expired"}
        capture = self.estate.pipeline.capture
        if self.plan.pause_disables and self.estate.is_polling(self.estate.capture_mapping):
            self.estate.census["mappings that were off for a day or for weeks"] += 1
            if hours > _DAY_HOURS:
                self.estate.lost.add("gap")
            capture.switch(enabled=False)
        for _ in range(2 * hours):
            self.clock.sleep(_HOUR / 2)
            if self.estate.is_polling(self.estate.capture_mapping):
                self.estate.capture_poller.ready()
        capture.switch(enabled=True)

    def _idle(self) -> None:
        """Nothing runs for a while; but while a cutover settles, Lambda hands out batches within their window."""
        claim = self.estate.claim()
        settles = claim is not None and claim.settling is not None
        (self.pass_time if settles else self.clock.sleep)(self.rng.choice([1, 20, 200, 400]))

    def _storm(self) -> None:
        """For a while, AWS throttles nearly everything."""
        seconds = self.rng.choice([5, 40])
        if self.estate.faults.rate:
            self.estate.census["storms"] += 1
            self.estate.storm.until = self.clock.now + seconds

    def _start_held(self) -> None:
        self.functions.start_held(again=self.rng.random() < 0.2)

    def _redrive(self) -> None:
        """Somebody redrives the FIFO DLQ in the console.

        SQS sets a message aside after 1,000 receives, which take longer than `bundle.LATE_SECONDS`. In these histories three or
        four are enough, so the rest of that time passes here.
        """
        self.clock.sleep(LATE_SECONDS)
        if moved := self.estate.account.queues.redrive(ASIDE):
            self.estate.census["messages redriven"] += moved
            self.functions.capture_exact = self.functions.replay_exact = False

    def _split(self) -> None:
        stream = self.estate.stream
        stream.split(self.rng.choice([shard for shard in stream.shards if not shard.closed]))

    def stop_writing(self, *, stopped: bool = True) -> None:
        self._writing = not stopped

    def write_some(self) -> None:
        for _ in range(self.rng.randint(0, 40)):
            self._write()

    def _write_many(self) -> None:
        for _ in range(30):
            self._write()

    def _write(self) -> None:
        if not self._writing:
            return
        rng = self.rng
        self.clock.sleep(rng.choice([0.01, 0.1, 1.0]))
        number = rng.randrange(self.plan.keys)
        key: Item = {"pk": {"B": f"item {number % 7}".encode()}, "sk": {"N": str(number)}}
        items = self.estate.account.items
        if self.estate.key_of(key) in self.estate.source.items and rng.random() < 0.25:
            items.remove("source", key, by_time_to_live=rng.random() < 0.3)
            return
        self._versions += 1
        image = {**key, "version": {"N": str(self._versions)}, "blob": {"B": rng.randbytes(12)}}
        if rng.random() < 0.05:
            image[REFUSED] = {"BOOL": True}
        if rng.random() < 0.1:
            # Does not compress: with the smaller limits its image travels in an object.
            image["large"] = {"BS": [rng.randbytes(2000)]}
        items.put("source", image)

    # The end

    def _judge(self, answer: dict[str, Any] | None, ending: Ending) -> None:
        """Hold the target against what the person was told."""
        if answer is None:
            self.estate.census["cutovers that stayed refused"] += 1
            return
        self.estate.census[f"ended by {ending.value}"] += 1
        self.promises.note_end()
        if ending.is_clean:
            self.promises.check_synced()
            self._check_counts()

    def _check_counts(self) -> None:
        functions, estate = self.functions, self.estate
        exact = not (estate.lost or estate.census["sends that landed late"])
        self.promises.check_counts(
            captured=functions.captured if exact and functions.capture_exact else None,
            handled=functions.handled if exact and functions.replay_exact else None,
        )

    def _afterwards(self, answer: dict[str, Any] | None, ending: Ending) -> None:
        """An hour later nothing of the pipeline's has touched the target since, and no late change went unseen."""
        if answer is not None:
            if ending is Ending.CUTOVER_WITH_A_WRITER:
                self.pass_time(20)
                self.stop_writing(stopped=False)
                self._write()
                self.stop_writing()
            self.pass_time(_HOUR, round_seconds=30)
            self.promises.check_end(self.functions.late, clean=ending.is_clean)
        self.promises.check_refusals()
        self.promises.check_writes()
        self.promises.check_costs()
