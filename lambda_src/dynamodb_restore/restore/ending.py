"""Tell how a restore ended: first people and machines, then the record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from dynamodb_restore.aws import AwsError, ErrorClass, classify, explain
from dynamodb_restore.restore.announce import AnnounceError, Announcer
from dynamodb_restore.restore.reasons import ReasonCode
from dynamodb_restore.restore.record import GiveUp, Lease, RestoreKey, RestoreRecords
from dynamodb_restore.restore.report import Report, Result

TellError = (*AwsError, AnnounceError)
"""What telling can raise."""


def passes(error: BaseException) -> bool:
    """Whether what could not be told can be told later with nobody doing anything."""
    if isinstance(error, AnnounceError):
        return error.retryable
    return classify(error) is ErrorClass.RETRY


@dataclass(frozen=True)
class Told:
    """What became of telling an end.

    Attributes:
        untold: what could not be told or noted, a line each.
        noted: whether the record has it. Where it has not, its message must not say which give-up it comes of.
    """

    untold: list[str]
    noted: bool


@dataclass(frozen=True)
class Ending:
    """What telling an end needs.

    Attributes:
        now: the present instant, aware.
    """

    announcer: Announcer
    records: RestoreRecords
    now: Callable[[], datetime]

    def tell(
        self,
        report: Report,
        key: RestoreKey | None,
        *,
        notify: bool,
        comes_back: bool,
        give_up: GiveUp | None = None,
        number: int = 1,
        lease: Lease | None = None,
    ) -> Told:
        """Put the event, publish the notification, note the record: each is tried, whatever became of the others.

        First told, then noted: a crash in between tells twice, never not at all. Where somebody could not be told, the
        record says `failed` and why, so that a redrive tells it again.

        Args:
            key: which record is meant; None where nobody knows.
            notify: whether the topic is to hear of it.
            comes_back: whether the message will be delivered again, so that an error that passes is raised.
            give_up: where the restore is given up.
            number: of the give-up, also of one that comes of nobody being told.
            lease: of this invocation; None where it has none.

        Raises:
            ClientError, BotoCoreError, AnnounceError: one that passes by itself, of a message that comes back.
        """
        untold: list[str] = []
        noted_here = False

        def note() -> None:
            nonlocal noted_here
            if key is None:
                return
            reason = "; and ".join([*([report.reason] if report.reason else []), *untold])
            noted = replace(report, result=Result.FAILED, reason=reason) if untold else report
            given_up = give_up or (GiveUp(number, ReasonCode.AWS_ERROR, reason) if untold else None)
            noted_here = self.records.save_report(key, noted, self.now(), give_up=given_up, lease=lease)

        steps: list[Callable[[], None]] = [partial(self.announcer.put_event, report)]
        if notify:
            steps.append(partial(self.announcer.notify, report))
        for step in (*steps, note):
            try:
                step()
            except TellError as error:
                if comes_back and passes(error):
                    raise
                untold.append(explain(error))
        return Told(untold, noted_here)
