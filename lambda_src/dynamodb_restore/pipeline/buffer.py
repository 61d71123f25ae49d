"""The FIFO buffer and its dead-letter queue, as SQS counts them."""

from __future__ import annotations

from dataclasses import dataclass

from dynamodb_restore.aws import Clients


@dataclass(frozen=True)
class Depth:
    """Messages in a queue, as SQS counts them (approximately:
    docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html)."""

    waiting: int
    in_flight: int

    @property
    def empty(self) -> bool:
        return not self.waiting and not self.in_flight


@dataclass(frozen=True)
class Buffer:
    """The FIFO buffer of one pipeline."""

    clients: Clients
    url: str
    dead_letter_url: str

    def depth(self) -> Depth:
        """How much is in the buffer.

        Raises:
            ClientError, BotoCoreError: from GetQueueAttributes.
        """
        counts = self._counts(self.url)
        waiting = counts["ApproximateNumberOfMessages"] + counts["ApproximateNumberOfMessagesDelayed"]
        return Depth(waiting, counts["ApproximateNumberOfMessagesNotVisible"])

    def set_aside(self) -> int:
        """How many bundles are on the FIFO DLQ, with those that `bring_in` is working on; raises as `depth` does."""
        counts = self._counts(self.dead_letter_url)
        return counts["ApproximateNumberOfMessages"] + counts["ApproximateNumberOfMessagesNotVisible"]

    def _counts(self, url: str) -> dict[str, int]:
        answer = self.clients.sqs.get_queue_attributes(
            QueueUrl=url,
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesDelayed",
                "ApproximateNumberOfMessagesNotVisible",
            ],
        )
        return {name: int(count) for name, count in answer["Attributes"].items()}
