"""Real boto3 clients, up to the socket: serialization, signing and parsing are botocore's own.

So the figures of a benchmark carry botocore's cost, which is most of what a function like this spends. The account's own
cost is measured, so that it can be left out. Services with a JSON protocol only.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

from dynamodb_restore.aws import Clients
from tests.aws.errors import UnknownCallError, error_code
from tests.aws.names import REGION
from tests.aws.wire import Wire

if TYPE_CHECKING:
    from botocore.model import ServiceModel, Shape


class _Body:
    """The little that botocore asks of a response body."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> list[bytes]:
        return [self._content]


class HttpDoor:
    """Answers each request over a wire, and counts.

    Attributes:
        wire: may be replaced between two requests.
        seconds_per_call: real seconds from a request to its answer; what the account itself needs is part of them.
        calls: operations, counted.
        bytes_sent: of the requests' bodies.
        cpu_seconds: what the account itself has spent, in all threads.
    """

    def __init__(self, wire: Wire, seconds_per_call: float = 0.0) -> None:
        self.wire = wire
        self.seconds_per_call = seconds_per_call
        self.calls: Counter[str] = Counter()
        self.bytes_sent = 0
        self.cpu_seconds = 0.0
        self._lock = threading.Lock()

    def clients(self) -> Clients:
        """Clients that talk to this account only, one attempt for each call."""
        session = boto3.session.Session(
            aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION
        )
        # A handler that returns a response takes the place of the HTTP call; the stubs know only silent ones.
        session.events.register("before-send.*", self._answer)  # type: ignore[arg-type]
        return _SessionClients(session)

    def _answer(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        began, cpu_began = time.perf_counter(), time.thread_time()
        service, operation = event_name.split(".")[1:]
        body = request.body if isinstance(request.body, bytes | str) else b"{}"
        with self._lock:
            self.calls[operation] += 1
            self.bytes_sent += len(body)
            status, content = self._content(service, operation, body)
            self.cpu_seconds += time.thread_time() - cpu_began
        time.sleep(max(0.0, self.seconds_per_call - (time.perf_counter() - began)))
        headers = {"content-type": "application/x-amz-json-1.0", "content-length": str(len(content))}
        return AWSResponse(request.url, status, headers, _Body(content))  # type: ignore[arg-type]

    def _content(self, service: str, operation: str, body: bytes | str) -> tuple[int, bytes]:
        model = _model(service).operation_model(operation)
        parameters = _decoded(json.loads(body), model.input_shape)
        try:
            answer = self.wire.call(service, operation, parameters)
        except ClientError as error:
            response: dict[str, Any] = {**error.response}
            status = response.pop("ResponseMetadata")["HTTPStatusCode"]
            told = {"__type": error_code(error), "message": response.pop("Error")["Message"], **response}
            return status, json.dumps(_encoded(told)).encode()
        return 200, json.dumps(_encoded(answer)).encode()


class _SessionClients(Clients):
    """The module's own clients, on a session that is given."""

    def __init__(self, session: boto3.session.Session) -> None:
        self._session = session
        self._config = Config(retries={"total_max_attempts": 1}, max_pool_connections=16)


@cache
def _model(service: str) -> ServiceModel:
    model = botocore.session.get_session().get_service_model(service)
    if "json" not in model.metadata["protocol"] and "json" not in model.metadata.get("protocols", ()):
        raise UnknownCallError(f"{service} does not speak JSON")
    return model


def _decoded(value: Any, shape: Shape | None) -> Any:
    """A value of JSON as boto3 has it: what is binary by its shape is bytes."""
    match shape.type_name if shape is not None else "":
        case "structure":
            members = shape.members  # type: ignore[union-attr]
            return {name: _decoded(inner, members[name]) for name, inner in value.items()}
        case "map":
            return {name: _decoded(inner, shape.value) for name, inner in value.items()}  # type: ignore[union-attr]
        case "list":
            return [_decoded(inner, shape.member) for inner in value]  # type: ignore[union-attr]
        case "blob":
            return base64.b64decode(value)
    return value


def _encoded(value: Any) -> Any:
    """A value of boto3's form as JSON carries it."""
    if isinstance(value, Mapping):
        return {name: _encoded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_encoded(inner) for inner in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.timestamp() if isinstance(value, datetime) else value
