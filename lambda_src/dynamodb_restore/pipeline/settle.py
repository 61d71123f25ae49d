"""Settle writes in doubt: once no request can take effect any more, write the correct items to the target."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from dynamodb_restore.aws import AwsError, Clients, explain, outcome_unknown
from dynamodb_restore.changes.change import Attributes, Change, Kind, item_id
from dynamodb_restore.changes.doubt import Doubt, DoubtStore, Settled
from dynamodb_restore.changes.progress import ProgressStore
from dynamodb_restore.changes.quarantine import Quarantine, Refusal
from dynamodb_restore.changes.rewrite import FencedError, rewrite
from dynamodb_restore.pace import Clock
from dynamodb_restore.pipeline.claim import Claim

_NOT_READ = (
    "a write of it stayed without an answer and may have undone a later one; it was not read from the source, for the "
    "window has an end and the source may be past it"
)


@dataclass
class _Outcome:
    """What became of the items of one note."""

    refusals: list[Refusal] = field(default_factory=list)
    left: list[Attributes] = field(default_factory=list)


@dataclass(frozen=True)
class DoubtSettler:
    """Settles the doubts of one pipeline, for the restore that owns it.

    Attributes:
        source: the source table.
        holds: whether the claim still holds; asked before each write of the target.
        clock: nothing is begun after its deadline.
    """

    clients: Clients
    source: str
    claim: Claim
    doubts: DoubtStore
    quarantine: Quarantine
    progress: ProgressStore
    holds: Callable[[], bool]
    clock: Clock
    calls: Executor

    def settle(self, due: Sequence[Doubt]) -> Settled:
        """Rewrite the items of notes that are due from the source, or quarantine them where it may be past the window.

        May be repeated, and done by several at once: each note is taken by one. What is not come to stays in its note.

        Raises:
            ClientError, BotoCoreError: from the restore table.
        """
        settled = Settled()
        for doubt in due:
            if self.clock.expired:
                settled.left += len(doubt.keys)
            elif self.doubts.take(doubt, now=self.clock.now(), until=self.clock.ends_at):
                self._settle_one(doubt, settled)
        return settled

    def _settle_one(self, doubt: Doubt, settled: Settled) -> None:
        if doubt.restore_id != self.claim.restore_id:
            # Its target is another restore's, which has ended: nobody writes there any more but its users.
            self.doubts.leave(doubt, [])
            return
        outcome = _Outcome()
        if self.claim.window.takes_present_images:
            self._rewrite_all(doubt, outcome, settled)
        else:
            outcome.refusals = [_refusal(key, doubt.sent_until, _NOT_READ) for key in doubt.keys]
        if outcome.refusals:
            self.progress.note_quarantine(self.claim.restore_id)
            stored, problem = self.quarantine.add_all(
                outcome.refusals, self.clock.for_notes(), self.calls, may_be_there=True
            )
            outcome.left += [
                refusal.change.key for number, refusal in enumerate(outcome.refusals) if number not in stored
            ]
            settled.quarantined += len(stored)
            settled.problem = problem or settled.problem
        settled.left += len(outcome.left)
        self.doubts.leave(doubt, outcome.left)

    def _rewrite_all(self, doubt: Doubt, outcome: _Outcome, settled: Settled) -> None:
        invocation = f"settle-{self.clock.rng.getrandbits(64):016x}"
        note = self.doubts.note(doubt.restore_id, sent_until=self.clock.ends_at, invocation=invocation)
        # A rewrite can end in doubt itself.
        note.begin(doubt.keys)
        if not self.holds():
            outcome.left = list(doubt.keys)
            note.end()
            return
        for one in self.calls.map(self._rewrite, _distinct(doubt.keys)):
            settled.problem = one.problem or settled.problem
            if one.end is _End.DONE:
                settled.rewritten += 1
            elif one.end is _End.REFUSED:
                outcome.refusals.append(_refusal(one.key, doubt.sent_until, one.problem or ""))
            elif one.end is _End.UNCERTAIN:
                note.keep([one.key])
                settled.left += 1
            else:
                outcome.left.append(one.key)
        note.end()

    def _rewrite(self, key: Attributes) -> _Rewritten:
        if self.clock.expired:
            return _Rewritten(key, _End.UNDONE, "no time is left to settle what is in doubt")
        try:
            reason = rewrite(self.clients, self.source, self.claim.target, key, self.clock, self.holds)
        except FencedError:
            return _Rewritten(key, _End.UNDONE, "the restore does not replay any more")
        except AwsError as error:
            return _Rewritten(key, _End.UNCERTAIN if outcome_unknown(error) else _End.UNDONE, explain(error))
        return _Rewritten(key, _End.DONE if reason is None else _End.REFUSED, reason)


class _End(enum.Enum):
    """How the rewrite of one item ended."""

    DONE = "done"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    UNDONE = "undone"


@dataclass(frozen=True)
class _Rewritten:
    key: Attributes
    end: _End
    problem: str | None


def _distinct(keys: Sequence[Attributes]) -> list[Attributes]:
    return list({item_id(key): key for key in keys}.values())


def _refusal(key: Attributes, time: int, reason: str) -> Refusal:
    # The version of no change: any change that the target takes later ends it.
    return Refusal(Change(Kind.READ, key, None, "", time), reason, version=0)
