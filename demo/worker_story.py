"""What the restore worker does, told from its AWS calls as they pass the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from demo.show import Show
from tests.local_aws import Call, LocalAws

TIMEOUT_SECONDS = 120

# What the worker's writes mean, for those who follow along.
WRITES = {
    "TagResource": "tags",
    "UpdateTimeToLive": "time to live",
    "UpdateTable": "",
    "CreateEventSourceMapping": "trigger",
    "EnableKinesisStreamingDestination": "Kinesis destination",
    "UpdateContinuousBackups": "point-in-time recovery",
    "RegisterScalableTarget": "limits",
    "PutScalingPolicy": "scaling policy",
    "PutScheduledAction": "scheduled action",
    "UpdateContributorInsights": "Contributor Insights",
    "PutMetricAlarm": "alarm",
    "PutCompositeAlarm": "alarm made of alarms",
    "PutResourcePolicy": "resource policy",
    "PutEvents": "the report, to the event bus",
    "Publish": "the report, to the notification topic",
}


# What UpdateTable changes, by the member that says so.
TABLE_CHANGES = {
    "StreamSpecification": "stream",
    "DeletionProtectionEnabled": "deletion protection",
    "TableClass": "table class",
    "OnDemandThroughput": "limits on demand",
    "GlobalSecondaryIndexUpdates": "limits of an index",
}


class WorkerStory:
    """The worker's part in the restore of one table."""

    def __init__(self, show: Show, aws: LocalAws, outputs: Mapping[str, Any], target: str) -> None:
        self.attempts = 1
        self._show = show
        self._aws = aws
        self._target = target
        self._worker = f"function/{outputs['function']['name']}"
        self._queue_url: str = outputs["restore_queue"]["url"]
        self._capture: str = outputs["pipeline"]["mappings"]["capture"]
        self._told = aws.calls.mark()
        self._attempt: list[Call] = []
        self._cloning = False

    def tell_new(self) -> None:
        """Say what the worker has done since the last time."""
        # Marked first: a call that comes in between is seen now, and its number says so.
        mark = self._aws.calls.mark()
        calls = self._aws.calls.find(since=self._told, caller=self._worker)
        self._told = max([mark, *(call.number + 1 for call in calls)])
        for call in calls:
            self._tell(call)

    def end(self) -> None:
        """Say what it came to."""
        self.tell_new()
        seconds = self._attempt[-1].started + self._attempt[-1].seconds - self._attempt[0].started
        self._show.note(
            f"done: from ACTIVE to cloned and reported in {seconds:.1f} s and {len(self._attempt)} AWS calls",
            good=True,
        )

    def second_delivery(self, detail: dict[str, Any]) -> list[Call]:
        """Put the event again; returns the calls that the worker makes because of it."""
        since = self._aws.calls.mark()
        self._aws.announce(detail)

        def handled() -> bool:
            return bool(self._aws.calls.find(since=since, caller=self._worker)) and self.idle()

        self._aws.wait_until(handled, timeout=TIMEOUT_SECONDS, what="the second delivery")
        return self._aws.calls.find(since=since, caller=self._worker)

    def idle(self) -> bool:
        """Whether the worker has nothing to do."""
        counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        sqs = self._aws.clients().client("sqs")
        found = sqs.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=list(counts))["Attributes"]
        return all(found[count] == "0" for count in counts)

    def _tell(self, call: Call) -> None:
        if call.operation == "ChangeMessageVisibility":
            delay = call.parameters["VisibilityTimeout"]
            done = f"{len(self._attempt)} AWS calls" if len(self._attempt) > 1 else "one AWS call"
            kept = "; what the source has is now on record" if self.attempts == 1 else ""
            self._show.note(f"attempt {self.attempts}: not ACTIVE, back in {delay} s ({done}{kept})")
            self._attempt = []
            self.attempts += 1
            return
        self._attempt.append(call)
        if call.operation == "UpdateEventSourceMapping":
            which = "capture" if call.parameters["UUID"] == self._capture else "replay"
            state = "enabled" if call.parameters["Enabled"] else "disabled"
            self._show.note(f"attempt {self.attempts}: {which} is {state}", good=True)
        elif call.operation in WRITES:
            if not self._cloning:
                self._cloning = True
                self._show.note(
                    f"attempt {self.attempts}: {self._target} is ACTIVE, so its settings are cloned"
                )
            outcome = f": {call.error}" if call.error else ""
            self._show.note(f"  {call.operation:<33} {WRITES[call.operation]}{self._what(call)}{outcome}")

    def _what(self, call: Call) -> str:
        """Which of several of a kind a call is about."""
        if dimension := call.parameters.get("ScalableDimension"):
            resource = call.resource.replace(f"table/{self._target}/index/", "")
            return f" of {resource.replace(f'table/{self._target}', 'table')}, {dimension.rpartition(':')[2]}"
        if call.operation == "UpdateTable":
            return ", ".join(change for member, change in TABLE_CHANGES.items() if member in call.parameters)
        if alarm := call.parameters.get("AlarmName"):
            return f" {alarm}"
        if call.operation == "CreateEventSourceMapping":
            return f" of {call.parameters['FunctionName'].rpartition(':function:')[2]}"
        return ""
