"""Report how a restore ended: first to topic and event bus, then to the record.

What could not be told ends no restore and releases no pipeline: the record says how the restore ended, and who has not heard
of it. A later delivery tells them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dynamodb_restore.aws import explain
from dynamodb_restore.restore.announce import Announcer, Channel, TellError, by_name, passes
from dynamodb_restore.restore.record import GiveUp, Lease, RestoreKey, RestoreRecord, RestoreRecords
from dynamodb_restore.restore.report import Report


@dataclass(frozen=True)
class Told:
    """The result of reporting an end.

    Attributes:
        untold: the channels that could not be told, with the reason.
        not_noted: why the record could not be written; None where it could, or another delivery has it.
        noted: whether the record has it. Where it has not, its message must not say which give-up it comes of.
    """

    untold: Mapping[Channel, str]
    not_noted: str | None
    noted: bool

    @property
    def problems(self) -> list[str]:
        """What could not be told or noted, a line each."""
        return [*self.untold.values(), *([self.not_noted] if self.not_noted else [])]


@dataclass(frozen=True)
class Ending:
    """What telling an end needs.

    Attributes:
        now: returns the current time, timezone-aware.
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
        lease: Lease | None = None,
    ) -> Told:
        """Put the event, publish the notification, note the record: each is tried, whatever became of the others.

        First told, then noted: a crash in between tells twice, never not at all. Whom it could not tell the record names,
        for `tell_the_rest`.

        Args:
            key: which record is meant; None where nobody knows.
            notify: whether the topic is to hear of it.
            comes_back: whether the message will be delivered again, so that an error of the record that passes is raised;
                one of telling too where the restore is given up, for such a message goes to the secondary DLQ.
            give_up: where the restore is given up.
            lease: of this invocation; None where it has none.

        Raises:
            ClientError, BotoCoreError, AnnounceError: one that passes by itself, of a message that comes back.
        """
        untold = self.announcer.announce(
            report,
            self.announcer.channels(notify=notify),
            raise_passing=comes_back and give_up is not None,
        )
        if key is None:
            return Told(untold, None, noted=False)
        try:
            noted = self.records.save_report(
                key, report, self.now(), give_up=give_up, lease=lease, untold=by_name(untold)
            )
        except TellError as error:
            if comes_back and passes(error):
                raise
            return Told(untold, explain(error), noted=False)
        return Told(untold, None, noted)

    def tell_the_rest(self, key: RestoreKey, record: RestoreRecord) -> Mapping[Channel, str]:
        """Tell the last report on record to those who have not heard of it.

        Returns:
            Who could not be told again, with the reason.

        Raises:
            ClientError, BotoCoreError: from noting what became of it.
        """
        channels = [channel for channel in Channel if channel.value in record.untold]
        untold = self.announcer.announce(Report.from_json(record.report), channels)
        self.records.notes.note_untold(key, record.report, by_name(untold), self.now())
        return untold
