"""Tell people and machines how a restore ended: the event bus and the notification topic."""

from __future__ import annotations

from dynamodb_restore.aws import Clients
from dynamodb_restore.restore.bounds import json_text
from dynamodb_restore.restore.report import (
    DETAIL_TYPE,
    EVENT_SOURCE,
    FINDINGS_DETAIL_TYPE,
    FindingsReport,
    Report,
)

_PASSING = ("InternalFailure", "InternalException", "ThrottlingException")


class AnnounceError(Exception):
    """The event bus took the call and refused the event.

    Attributes:
        retryable: whether the same event can be taken later with nobody doing anything.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"PutEvents: {code}: {message}")
        self.retryable = code in _PASSING


class Announcer:
    """Delivers reports, at least once each: a redelivered message may announce the same end again."""

    def __init__(self, clients: Clients, event_bus_name: str, topic_arn: str | None) -> None:
        self._clients = clients
        self._event_bus_name = event_bus_name
        self._topic_arn = topic_arn

    def announce(self, report: Report, *, notify: bool = True) -> None:
        """Put the report on the event bus and, where there is a topic, publish it as text.

        Args:
            notify: whether the topic is to hear of it.

        Raises:
            ClientError, BotoCoreError, AnnounceError: as from `put_event` and `notify`.
        """
        self.put_event(report)
        if notify:
            self.notify(report)

    def announce_findings(self, findings: FindingsReport, *, notify: bool = True) -> None:
        """The same for what was found after the report; arguments and errors are those of `announce`."""
        self._put(FINDINGS_DETAIL_TYPE, findings)
        if notify:
            self.notify(findings)

    def put_event(self, report: Report) -> None:
        """Put the report on the event bus.

        Raises:
            ClientError, BotoCoreError: from the call.
            AnnounceError: PutEvents answered 200 and refused the entry
                (docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html).
        """
        self._put(DETAIL_TYPE, report)

    def notify(self, report: Report | FindingsReport) -> None:
        """Publish the report as text, where there is a topic.

        Raises:
            ClientError, BotoCoreError: from the call.
        """
        if self._topic_arn:
            told = report.within()
            self._clients.sns.publish(TopicArn=self._topic_arn, Subject=told.subject(), Message=told.text())

    def _put(self, detail_type: str, report: Report | FindingsReport) -> None:
        answer = self._clients.events.put_events(
            Entries=[
                {
                    "EventBusName": self._event_bus_name,
                    "Source": EVENT_SOURCE,
                    "DetailType": detail_type,
                    "Detail": json_text(report.within().as_json()),
                }
            ]
        )
        if answer["FailedEntryCount"]:
            entry = answer["Entries"][0]
            raise AnnounceError(entry.get("ErrorCode", "Unknown"), entry.get("ErrorMessage", "no message"))
