"""Real boto3 clients, up to the point where a request would leave: botocore has checked the parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

from botocore.client import BaseClient
from botocore.exceptions import ParamValidationError
from botocore.validate import validate_parameters

from dynamodb_restore.aws import CALL_SECONDS
from tests.aws.errors import UnknownCallError
from tests.aws.wire import Patience, Wire

if TYPE_CHECKING:
    from botocore.model import OperationModel


class BotocoreDoor:
    """Stands in for `BaseClient._make_api_call` while it is open; each call goes to the wire of the moment.

    Paginators and waiters work, as they are made of such calls. botocore's own retries are beyond this point, so they
    are modelled on the wire where `retries` says so, with the attempts that a client is configured for.

    Args:
        writes_down: whether each request is also serialized, as input can be such that this fails; slow.
    """

    def __init__(self, *, retries: bool = False, writes_down: bool = False) -> None:
        self._retries = retries
        self._writes_down = writes_down
        self._wire: Wire | None = None

    @property
    def wire(self) -> Wire:
        assert self._wire is not None, "no function runs"
        return self._wire

    @contextmanager
    def opened(self) -> Iterator[BotocoreDoor]:
        # A plain function, so that it becomes a method of the client.
        def make_api_call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
            return self._call(client, operation, parameters)

        with mock.patch.object(BaseClient, "_make_api_call", make_api_call):
            yield self

    @contextmanager
    def to(self, wire: Wire) -> Iterator[None]:
        """Let all clients talk over this wire."""
        before, self._wire = self._wire, wire
        try:
            yield
        finally:
            self._wire = before

    def _call(self, client: BaseClient, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        tell_of_call(client, operation, parameters)
        model = client.meta.service_model.operation_model(operation)
        if self._writes_down:
            # This checks the parameters first.
            client._serializer.serialize_to_request(parameters, model)  # type: ignore[attr-defined]
        elif model.input_shape is not None:
            validate_parameters(parameters, model.input_shape)
        answer = self.wire.call(
            client.meta.service_model.service_name,
            operation,
            _copied(parameters),
            region=client.meta.region_name,
            attempts=_attempts(client) if self._retries else 1,
            patience=_patience(client, whole_calls=not self._retries),
        )
        if self.wire.checks_answers:
            _check(answer, model)
        copied: dict[str, Any] = _copied(answer)
        return copied


def tell_of_call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> None:
    """Emit the event that comes first in each call
    (docs.aws.amazon.com/boto3/latest/guide/events.html, "provide-client-params").

    Raises:
        Whatever who listens raises, which ends the call.
    """
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.emit(
        f"provide-client-params.{service}.{operation}",
        params=parameters,
        model=client.meta.service_model.operation_model(operation),
        context={},
    )


def _copied(value: Any) -> Any:
    """A copy of dicts and lists, as what goes over the wire belongs to one side only; all else cannot be changed."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value


def _attempts(client: BaseClient) -> int:
    retries = client.meta.config.retries  # type: ignore[attr-defined]
    return int((retries or {}).get("total_max_attempts", 1))


def _patience(client: BaseClient, *, whole_calls: bool) -> Patience:
    """What the client is configured for.

    Args:
        whole_calls: whether what the wire sees as one attempt is all of the client's.
    """
    config: Any = client.meta.config
    attempts = _attempts(client) if whole_calls else 1
    return Patience(config.connect_timeout, config.read_timeout, attempts, CALL_SECONDS)


def _check(answer: Mapping[str, Any], model: OperationModel) -> None:
    # The one answer in which botocore turns text into values: policy documents.
    if model.output_shape is None or model.name == "GetAccountAuthorizationDetails":
        return
    try:
        validate_parameters(answer, model.output_shape)
    except ParamValidationError as error:
        raise UnknownCallError(f"{model.name} does not answer like that: {error}") from error
