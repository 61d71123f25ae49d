"""What a rule is, and the requests and answers that it sees.

A rule sees every request before the emulator does (`before`, where it may answer in AWS's name) and
every answer of the emulator (`after`, where it may change it). Rules know nothing of each other and
hold their own lock. Where a rule needs to know how things stand it asks the emulator (`ask`), past the
gateway, the log and all rules.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..calls import FUNCTION_PREFIX
from ..wire import Headers

ACCOUNT_ID = "123456789012"
JSON_TYPES = {"json": "application/x-amz-json-1.0", "rest": "application/json"}
RESTORE_CALLS = ("RestoreTableToPointInTime", "RestoreTableFromBackup")
Table = tuple[str, str]  # region and name


@dataclass(frozen=True)
class Request:
    service: str
    operation: str
    protocol: str
    region: str
    caller: str
    role: str  # of a function; of everyone else an empty string
    resource: str
    parameters: Mapping[str, Any]
    method: str
    target: str
    headers: Headers
    body: bytes

    @property
    def by_function(self) -> bool:
        return self.caller.startswith(FUNCTION_PREFIX)

    @property
    def table(self) -> Table:
        return self.region, self.resource

    def is_call(self, service: str, *operations: str) -> bool:
        return self.service == service and self.operation in operations

    def answer(self, value: Mapping[str, Any]) -> Response:
        """An answer in AWS's name, for the protocols that speak JSON."""
        content_type = JSON_TYPES.get(self.protocol, "application/json")
        headers = [("x-amzn-RequestId", str(uuid.uuid4())), ("Content-Type", content_type)]
        return Response(200, Headers(headers), json.dumps(value).encode())

    def refuse(
        self, code: str, message: str, *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The error as this request's protocol spells it, with more headers where AWS sends some."""
        request_id = str(uuid.uuid4())
        common = [("x-amzn-RequestId", request_id), ("x-amzn-ErrorType", code), *(headers or {}).items()]
        if self.protocol == "query":
            kind = "Sender" if status < 500 else "Receiver"
            text = (
                f"<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
                f"<RequestId>{request_id}</RequestId></ErrorResponse>"
            )
            return Response(status, Headers([*common, ("Content-Type", "text/xml")]), text.encode())
        if self.protocol == "cbor":
            named = (("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor"))
            return Response(status, Headers([*common, *named]), _cbor({"__type": code, "message": message}))
        content_type = JSON_TYPES.get(self.protocol, "application/json")
        body = json.dumps({"__type": code, "message": message, "Message": message}).encode()
        return Response(status, Headers([*common, ("Content-Type", content_type)]), body)


@dataclass(frozen=True)
class Response:
    status: int
    headers: Headers
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def error(self) -> str:
        """The error's code, or an empty string."""
        if self.ok or not self.body:
            return "" if self.ok else str(self.status)
        try:
            code = str(json.loads(self.body).get("__type", ""))
        except (ValueError, AttributeError):
            text = self.body.decode("utf-8", "replace")
            code = text.partition("<Code>")[2].partition("</Code>")[0]
        code = code or self.headers.get("x-amzn-errortype") or str(self.status)
        return code.rpartition("#")[2].split(":")[0]

    def json(self) -> dict[str, Any]:
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value

    def with_json(self, value: Mapping[str, Any]) -> Response:
        # The emulator's checksum of the old body would make an SDK refuse the new one.
        return replace(self, headers=self.headers.without("x-amz-crc32"), body=json.dumps(value).encode())


def _cbor(texts: Mapping[str, str]) -> bytes:
    """A map of a few texts in CBOR: the head of a map, and of each text with a length of two bytes (RFC 8949, 3.1)."""
    words = [word.encode() for pair in texts.items() for word in pair]
    return bytes([0xA0 + len(texts)]) + b"".join(
        b"\x79" + len(word).to_bytes(2, "big") + word for word in words
    )


class Ask(Protocol):
    """Asks the emulator for another operation of the request's service."""

    def __call__(
        self, operation: str, parameters: Mapping[str, Any], region: str | None = None
    ) -> Response: ...


class Rule:
    """One behaviour of AWS; the base does nothing. `enabled = False` switches a rule off."""

    enabled = True

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def before(self, request: Request, ask: Ask) -> Response | None:
        """An answer in place of the emulator's, or None to let the request through."""
        return None

    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        """The answer as AWS would give it."""
        return response

    def reset(self) -> None:
        """Forget everything: the local AWS starts anew."""


class Countdown:
    """How many answers about something are still to say "not yet".

    Counts answers, not seconds: what is started with 3 changes with the fourth answer, however fast or slow
    the machine is.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[Hashable, int] = {}

    def start(self, key: Hashable, answers: int) -> None:
        with self._lock:
            self._left[key] = answers

    def running(self, key: Hashable) -> bool:
        with self._lock:
            return self._left.get(key, 0) > 0

    def tick(self, key: Hashable) -> bool:
        """Whether this answer too says "not yet"; counts it."""
        with self._lock:
            left = self._left.pop(key, 0)
            if left > 1:
                self._left[key] = left - 1
            return left > 0

    def clear(self, key: Hashable | None = None) -> None:
        """Be done with one of them, or with all."""
        with self._lock:
            if key is None:
                self._left.clear()
            else:
                self._left.pop(key, None)


def describes_table(request: Request) -> str | None:
    """The member of the answer that describes a table, for calls that give such an answer."""
    if not request.is_call("dynamodb", "CreateTable", "UpdateTable", "DescribeTable", *RESTORE_CALLS):
        return None
    return "Table" if request.operation == "DescribeTable" else "TableDescription"
