"""Send reports to the event bus and the notification topic."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import replace

from dynamodb_restore.aws import CALL_SECONDS, AwsError, Clients, ErrorClass, classify, explain
from dynamodb_restore.restore.bounds import json_text
from dynamodb_restore.restore.report import (
    DETAIL_TYPE,
    EVENT_SOURCE,
    FINDINGS_DETAIL_TYPE,
    FindingsReport,
    Report,
)

_KEPT_SECONDS = 2 * CALL_SECONDS
"""For the record, and for what becomes of the message: a channel that does not answer keeps neither from its turn."""

_PASSING = ("InternalFailure", "InternalException", "ThrottlingException")


class Channel(enum.Enum):
    """Where a report goes. The values stand in the restore record."""

    EVENT_BUS = "event_bus"
    TOPIC = "topic"


class AnnounceError(Exception):
    """The event bus accepted the call and refused the event.

    Attributes:
        retryable: whether the same event can be taken later without any repair.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"PutEvents: {code}: {message}")
        self.retryable = code in _PASSING


TellError = (*AwsError, AnnounceError)
"""What telling can raise."""


def passes(error: BaseException) -> bool:
    """Whether what could not be told can be told later without any repair."""
    if isinstance(error, AnnounceError):
        return error.retryable
    return classify(error) is ErrorClass.RETRY


class Announcer:
    """Delivers reports, at least once each: a redelivered message may announce the same end again."""

    def __init__(self, clients: Clients, event_bus_name: str, topic_arn: str | None) -> None:
        self._clients = clients
        self._event_bus_name = event_bus_name
        self._topic_arn = topic_arn

    def channels(self, *, notify: bool) -> tuple[Channel, ...]:
        """Where a report is to go.

        Args:
            notify: whether the topic is to hear of it, where there is one.
        """
        return (Channel.EVENT_BUS, Channel.TOPIC) if notify and self._topic_arn else (Channel.EVENT_BUS,)

    def announce(
        self,
        told: Report | FindingsReport,
        channels: Collection[Channel],
        *,
        raise_passing: bool = False,
    ) -> dict[Channel, str]:
        """Tell each of the channels: each is tried, whatever became of the others.

        The notification says where the event is missing, so that a person learns of a bus that refuses.

        Args:
            raise_passing: whether an error that passes by itself is raised instead, for a caller that comes back.

        Returns:
            The channels that could not be told, with the reason.

        Raises:
            ClientError, BotoCoreError, AnnounceError: as `raise_passing` says.
        """
        untold: dict[Channel, str] = {}
        for channel in Channel:
            if channel not in channels:
                continue
            try:
                with self._clients.call_time.keeping(_KEPT_SECONDS):
                    self._tell(channel, _noting(told, untold))
            except TellError as error:
                if raise_passing and passes(error):
                    raise
                untold[channel] = explain(error)
        return untold

    def _tell(self, channel: Channel, told: Report | FindingsReport) -> None:
        match channel:
            case Channel.EVENT_BUS:
                self._put(told)
            case Channel.TOPIC:
                self._publish(told)

    def _publish(self, told: Report | FindingsReport) -> None:
        if self._topic_arn:
            fitting = told.within()
            self._clients.sns.publish(
                TopicArn=self._topic_arn, Subject=fitting.subject(), Message=fitting.text()
            )

    def _put(self, told: Report | FindingsReport) -> None:
        """Put an event on the bus.

        Raises:
            ClientError, BotoCoreError: from the call.
            AnnounceError: PutEvents answered 200 and refused the entry
                (docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html).
        """
        answer = self._clients.events.put_events(
            Entries=[
                {
                    "EventBusName": self._event_bus_name,
                    "Source": EVENT_SOURCE,
                    "DetailType": DETAIL_TYPE if isinstance(told, Report) else FINDINGS_DETAIL_TYPE,
                    "Detail": json_text(told.within().as_json()),
                }
            ]
        )
        if answer["FailedEntryCount"]:
            entry = answer["Entries"][0]
            raise AnnounceError(entry.get("ErrorCode", "Unknown"), entry.get("ErrorMessage", "no message"))


def by_name(untold: Mapping[Channel, str]) -> dict[str, str]:
    """What could not be told, for a record or an answer: the channel's name to the reason."""
    return {channel.value: reason for channel, reason in untold.items()}


def _noting(told: Report | FindingsReport, untold: dict[Channel, str]) -> Report | FindingsReport:
    """The report with a note on what could not be told before it."""
    if not untold or isinstance(told, FindingsReport):
        return told
    notes = [f"this report is missing on the event bus: {reason}" for reason in untold.values()]
    return replace(told, notes=(*told.notes, *notes))
