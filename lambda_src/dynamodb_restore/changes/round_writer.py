"""Write one round after another into the target, and note how far each group has come."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field

from dynamodb_restore.aws import AwsError, explain
from dynamodb_restore.changes.delivery import Delivery
from dynamodb_restore.changes.doubt import DoubtNote
from dynamodb_restore.changes.progress import Partial, Position, ProgressStore, Side
from dynamodb_restore.changes.quarantine import Quarantine, Refusal, UnreadEntriesError
from dynamodb_restore.changes.replayed import Replayed
from dynamodb_restore.changes.rounds import Bounds, Message, Pending, Round, Rounds, Step
from dynamodb_restore.changes.writer import OUT_OF_TIME, TargetWriter, Written
from dynamodb_restore.pace import Clock, UnitRate

_SECONDS_PER_ROUND = 10.0
"""Of a write limit, what one round uses. Progress is noted after each, so an invocation that is killed repeats no more than
that."""

_FENCED = "the restore is no longer replaying"


class _Outcome(enum.Enum):
    """The result of a processed item of a round."""

    APPLIED = "applied"
    QUARANTINED = "quarantined"


@dataclass
class _Unsaved:
    """Progress that is not stored yet."""

    positions: dict[int, Position] = field(default_factory=dict)
    partial: dict[int, Partial] = field(default_factory=dict)
    changes: int = 0


@dataclass
class RoundWriter:
    """The write loop of one invocation.

    Attributes:
        note: where is noted what is about to be written.
        holds: whether the claim still holds.
        set_aside: copies a message that is no bundle to the DLQ, with the reason; says why that failed.
        quarantine_in_use: whether the restore may have entries there, so that it is worth a look.
        replayed: what the invocation came to; this class adds to it.
    """

    writer: TargetWriter
    write_rate: UnitRate
    rounds: Rounds
    note: DoubtNote
    holds: Callable[[], bool]
    set_aside: Callable[[Delivery, str], str | None]
    progress: ProgressStore
    quarantine: Quarantine
    restore_id: str
    clock: Clock
    calls: Executor
    replayed: Replayed
    quarantine_in_use: bool
    _unsaved: _Unsaved = field(default_factory=_Unsaved)

    def run(self) -> None:
        """Write rounds until all is done, time runs out, or the claim is fenced.

        Raises:
            ClientError, BotoCoreError: from the restore table.
        """
        try:
            self._write_rounds()
            saving = self.calls.submit(self._save)
        except AwsError:
            # Nothing is under way: what is not in doubt by now never will be.
            self._end_note()
            raise
        self._end_note()
        saving.result()

    def _write_rounds(self) -> None:
        while True:
            if self.clock.expired:
                self.replayed.problem = self.replayed.problem or OUT_OF_TIME
                return
            found = self.rounds.next(self._bounds())
            if found is None or not self._deal_with(found):
                return

    def _bounds(self) -> Bounds:
        return Bounds(
            key_bytes=self.note.room,
            units=self.write_rate.units_in(_SECONDS_PER_ROUND),
            read_bytes=self.writer.read_bytes,
        )

    def _deal_with(self, found: Round) -> bool:
        """Write a round; False where the claim no longer holds."""
        if found.unreadable is not None:
            self._leave_out(*found.unreadable)
            return True
        written = self._write(found)
        if written is None:
            self.replayed.fail(_FENCED)
            return False
        self._retire(found, self._outcomes(found, written))
        return True

    def _leave_out(self, message: Message, reason: str) -> None:
        """Move a message that could not be unpacked to the FIFO DLQ, once all before it in its group is done.

        Leaving a bundle out is safe for order: it never comes back into the queue, so none of its images can
        land late. What it carried is lost to the target, which `status` tells and `cutover` refuses.
        """
        if message.group in self.rounds.stopped:
            return
        self.replayed.unreadable[message.delivery.message_id] = reason
        problem = self.set_aside(message.delivery, reason)
        if problem is not None:
            self.replayed.fail(f"a bundle could not be decoded nor set aside: {reason}; {problem}")
            self.rounds.stopped.add(message.group)
            return
        self.replayed.set_aside += 1
        message.last_time = int(message.delivery.sent_at)
        self._finish(message)

    def _write(self, found: Round) -> Written | None:
        """Write the items of a round; None where the claim no longer holds."""
        changes = {
            number: pending.change
            for number, pending in enumerate(found.items.values())
            if pending.refusal is None
        }
        saving = self.calls.submit(self._save)
        if not changes:
            saving.result()
            return Written()
        holding = self.calls.submit(self.holds)
        self.note.begin([change.key for change in changes.values()])
        saving.result()
        if not holding.result():
            return None
        written = self.writer.write(changes)
        self.note.keep([changes[number].key for number in written.uncertain])
        self.replayed.in_doubt += len(written.uncertain)
        if written.problem is not None:
            self.replayed.problem = written.problem
            self.replayed.failed |= written.failed
            self.replayed.refused_for_good |= written.refused_for_good
        return written

    def _outcomes(self, found: Round, written: Written) -> dict[str, _Outcome]:
        """What became of each item that is dealt with; a refused one is once that is stored."""
        refused: dict[str, Refusal] = {}
        taken: dict[str, Pending] = {}
        for number, (item, pending) in enumerate(found.items.items()):
            reason = pending.refusal or written.refused.get(number)
            if reason is not None:
                refused[item] = Refusal(pending.change, reason, pending.version)
            elif number in written.done:
                taken[item] = pending
        outcomes = dict.fromkeys(self._forgotten(taken), _Outcome.APPLIED)
        outcomes |= dict.fromkeys(self._stored(refused), _Outcome.QUARANTINED)
        return outcomes

    def _stored(self, refused: dict[str, Refusal]) -> Iterable[str]:
        if not refused:
            return []
        if not self.quarantine_in_use:
            self.progress.note_quarantine(self.restore_id)
        stored, problem = self.quarantine.add_all(
            list(refused.values()),
            self.clock.for_notes(),
            self.calls,
            may_be_there=self.quarantine_in_use,
        )
        self.quarantine_in_use = True
        if problem is not None:
            self.replayed.fail(problem)
        return [item for number, item in enumerate(refused) if number in stored]

    def _forgotten(self, taken: dict[str, Pending]) -> Iterable[str]:
        """The items that the target has taken and that are not in quarantine, or no longer."""
        if not self.quarantine_in_use or not taken:
            return taken
        try:
            entries = self.quarantine.find(
                [pending.change.key for pending in taken.values()], self.clock.for_notes(), self.calls
            )
        except UnreadEntriesError as error:
            self.replayed.fail(str(error))
            return []
        removals = [taken[item] for item in entries if item in taken]
        for _ in self.calls.map(
            lambda pending: self.quarantine.remove(pending.change.key, pending.version), removals
        ):
            pass
        return taken

    def _retire(self, found: Round, outcomes: dict[str, _Outcome]) -> None:
        """Move each group on to the first change that is not dealt with, and count what was passed.

        A change that a later one of the round supersedes is passed even where that one is not dealt with: it comes again.
        """
        stopped = self.rounds.stopped
        for number, step in enumerate(found.steps):
            if step.message.group in stopped:
                continue
            if step.is_end:
                self._finish(step.message)
                continue
            if step.item is None:
                self.replayed.outside += 1
            elif found.items[step.item].step != number:
                self.replayed.superseded += 1
            elif step.item not in outcomes:
                stopped.add(step.message.group)
                continue
            elif outcomes[step.item] is _Outcome.APPLIED:
                self.replayed.applied += 1
            else:
                self.replayed.quarantined += 1
            self._pass(step)

    def _pass(self, step: Step) -> None:
        self._unsaved.changes += 1
        step.message.done = step.index + 1
        group = int(step.message.group)
        partial = Partial(step.message.delivery.sequence, step.message.done)
        self._unsaved.partial[group] = self.replayed.partial[group] = partial

    def _finish(self, message: Message) -> None:
        self.replayed.finished.add(message.delivery.message_id)
        if not message.group.isdecimal():
            return
        group = int(message.group)
        position = Position(message.delivery.sequence, message.last_time)
        for positions, partial in (
            (self._unsaved.positions, self._unsaved.partial),
            (self.replayed.positions, self.replayed.partial),
        ):
            positions[group] = position
            partial.pop(group, None)

    def _save(self) -> None:
        """Note the progress of the rounds so far."""
        unsaved, self._unsaved = self._unsaved, _Unsaved()
        self.progress.advance(
            Side.REPLAYED, unsaved.positions, changes=unsaved.changes, partial=unsaved.partial
        )

    def _end_note(self) -> None:
        try:
            self.note.end()
        except AwsError as error:
            # It stands, and what is in it is settled later: no reason to write all messages again.
            self.replayed.problem = self.replayed.problem or explain(error)
