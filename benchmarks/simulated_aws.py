"""boto3 clients whose HTTP layer answers by itself after a fixed time.

Everything up to the socket is real: parameter checks, serialization, signing, parsing. So the figures carry
botocore's own cost, which is most of what a function like this spends.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from benchmarks.write_units import UpdateCosts
from dynamodb_restore.aws import Clients

RESTORE_TABLE = "restores"
CLAIM = {
    "pk": {"S": "pipeline#orders"},
    "sk": {"S": "claim"},
    "restore_id": {"S": "restore"},
    "target": {"S": "orders-restored"},
    "state": {"S": "replaying"},
    "claimed_at": {"N": "1790000000"},
    "window_start": {"N": "0"},
    "window_chosen": {"BOOL": False},
    "version": {"N": "1"},
}
"""The restore that replays for ever, into an empty restore table."""

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class _Body:
    """The little that botocore asks of a response body."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> list[bytes]:
        return [self._content]


class SimulatedAws:
    """Answers each call after `seconds_per_call`, and counts calls, bytes sent, items written in batches, and what
    updates cost.

    Attributes:
        progress: what BatchGetItem of the restore table answers beside the claim.
    """

    def __init__(self, seconds_per_call: float) -> None:
        self._seconds_per_call = seconds_per_call
        self._lock = threading.Lock()
        self._sequence = 0
        self.calls: Counter[str] = Counter()
        self.bytes_sent = 0
        self.items_written = 0
        self.updates = UpdateCosts()
        self.progress: list[Mapping[str, Any]] = []

    def clients(self) -> Clients:
        """Clients that talk to this AWS only."""
        session = boto3.session.Session(
            aws_access_key_id="bench", aws_secret_access_key="bench", region_name="eu-central-1"
        )
        # A handler that returns a response takes the place of the HTTP call; the stubs know only silent ones.
        session.events.register("before-send.*", self._answer)  # type: ignore[arg-type]
        return _BenchClients(session)

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        body = request.body if isinstance(request.body, bytes | str) else b"{}"
        content = json.loads(body)
        with self._lock:
            self.calls[operation] += 1
            self.bytes_sent += len(body)
            if operation == "UpdateItem":
                self.updates.update(content)
            if operation == "BatchWriteItem":
                self.items_written += sum(map(len, content["RequestItems"].values()))
        time.sleep(self._seconds_per_call)
        answer = json.dumps(self._content(operation, content)).encode()
        headers = {"content-type": "application/x-amz-json-1.0", "content-length": str(len(answer))}
        return AWSResponse(request.url, 200, headers, _Body(answer))  # type: ignore[arg-type]

    def _content(self, operation: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        if operation == "SendMessageBatch":
            return {"Successful": [self._sent(entry["Id"]) for entry in content["Entries"]], "Failed": []}
        if operation == "SendMessage":
            return self._sent("")
        if operation == "ChangeMessageVisibilityBatch":
            return {"Successful": [{"Id": entry["Id"]} for entry in content["Entries"]], "Failed": []}
        if operation == "Query":
            return {"Items": []}
        if operation == "BatchGetItem":
            return {"Responses": {RESTORE_TABLE: [CLAIM, *self.progress]}}
        if operation == "GetItem":
            return {"Item": CLAIM}
        return {}

    def _sent(self, entry_id: str) -> dict[str, str]:
        with self._lock:
            self._sequence += 1
            return {
                "Id": entry_id,
                "MessageId": "m",
                "MD5OfMessageBody": "",
                "SequenceNumber": f"{self._sequence:020}",
            }


class _BenchClients(Clients):
    """The module's own clients, on a session of the benchmark's."""

    def __init__(self, session: boto3.session.Session) -> None:
        self._session = session
        self._config = Config(retries={"total_max_attempts": 1}, max_pool_connections=16)
