"""What is between a function and its AWS: every call is counted, and one of them goes wrong."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from typing_extensions import override

from tests.faults.account.account import Account
from tests.unit.fakes import client_error

if TYPE_CHECKING:
    from botocore.client import BaseClient


class Mode(enum.Enum):
    """What goes wrong with a call; where botocore would hand it to its caller, so its own retries are used up."""

    THROTTLED = "throttled before it takes effect"
    UNREACHABLE = "not connected before it takes effect"
    ANSWER_LOST = "answered with a 500 after it has taken effect"
    TIMED_OUT = "timed out after it has taken effect"
    DIED_BEFORE = "the process dies before it"
    DIED_AFTER = "the process dies after it"
    DENIED = "not permitted, until somebody mends that"

    @property
    def takes_effect(self) -> bool:
        return self in (Mode.ANSWER_LOST, Mode.TIMED_OUT, Mode.DIED_AFTER)


PASSING = tuple(mode for mode in Mode if mode is not Mode.DENIED)
"""Those that another delivery gets over by itself."""


class ProcessDeath(BaseException):
    """The function's execution environment is gone: no code of the function may run after this."""


@dataclass(frozen=True)
class _Words:
    """How a service says the same thing: the error's code and HTTP status."""

    throttled: tuple[str, int]
    failed: tuple[str, int]
    denied: tuple[str, int]


_JSON = _Words(("ThrottlingException", 400), ("InternalServerError", 500), ("AccessDeniedException", 400))
_WORDS = {
    "dynamodb": _JSON,
    "lambda": _Words(
        ("TooManyRequestsException", 429), ("ServiceException", 500), ("AccessDeniedException", 403)
    ),
    "application-autoscaling": _Words(
        ("ConcurrentUpdateException", 400), ("InternalServiceException", 500), ("AccessDeniedException", 400)
    ),
    "cloudwatch": _Words(("Throttling", 400), ("InternalServiceError", 500), ("AccessDenied", 403)),
    "sqs": _Words(("RequestThrottled", 403), ("InternalError", 500), ("AccessDenied", 403)),
    "sns": _Words(("Throttled", 429), ("InternalError", 500), ("AuthorizationError", 403)),
    "s3": _Words(("SlowDown", 503), ("InternalError", 500), ("AccessDenied", 403)),
    "events": _Words(
        ("ThrottlingException", 400), ("InternalException", 500), ("AccessDeniedException", 400)
    ),
    "iam": _Words(("Throttling", 400), ("ServiceFailure", 500), ("AccessDenied", 403)),
    "sts": _Words(("Throttling", 400), ("InternalFailure", 500), ("AccessDenied", 403)),
    "backup": _Words(
        ("ThrottlingException", 400), ("ServiceUnavailableException", 500), ("AccessDeniedException", 403)
    ),
}

_RESOURCES = (
    "TableName",
    "ResourceArn",
    "EventSourceArn",
    "UUID",
    "Resource",
    "ResourceId",
    "ResourceARN",
    "QueueUrl",
    "TopicArn",
    "AlarmName",
    "DashboardName",
    "BackupPlanId",
    "Bucket",
    "FunctionName",
)


@dataclass(frozen=True)
class Call:
    """One call of a function: what it asked for, and of which resource."""

    operation: str
    resource: str

    @override
    def __str__(self) -> str:
        return f"{self.operation} {self.resource}".rstrip()


Plan = Callable[[int], Mode | None]
"""The number of a call, from 0, to what goes wrong with it."""


def at(number: int, mode: Mode) -> Plan:
    """One call goes wrong."""
    return lambda this: mode if this == number else None


def no_faults(number: int) -> None:
    """No call goes wrong."""


@dataclass
class Wire:
    """The calls that functions make to an account.

    Attributes:
        faults: how many went wrong.
        deaths: how many of these were the end of a process.
        denied: what nobody has permitted.
    """

    account: Account
    plan: Plan = no_faults
    calls: list[Call] = field(default_factory=list)
    faults: int = 0
    deaths: int = 0
    denied: set[Call] = field(default_factory=set)

    def call(self, client: BaseClient, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        call = Call(operation, _resource(parameters))
        mode = self.plan(len(self.calls))
        self.calls.append(call)
        if mode is Mode.DENIED:
            self.denied.add(call)
        if call in self.denied:
            self.faults += 1
            raise self._error(client, operation, Mode.DENIED)
        if mode is None:
            return self.account.answer(client, operation, parameters)
        self.faults += 1
        if mode.takes_effect:
            # Where AWS refuses it, that is the answer that gets lost.
            with contextlib.suppress(ClientError):
                self.account.answer(client, operation, parameters)
        if mode in (Mode.DIED_BEFORE, Mode.DIED_AFTER):
            self.deaths += 1
            raise ProcessDeath
        raise self._error(client, operation, mode)

    @staticmethod
    def _error(client: BaseClient, operation: str, mode: Mode) -> Exception:
        words = _WORDS[client.meta.service_model.service_name]
        if mode is Mode.UNREACHABLE:
            return ConnectTimeoutError(endpoint_url=client.meta.endpoint_url)
        if mode is Mode.TIMED_OUT:
            return ReadTimeoutError(endpoint_url=client.meta.endpoint_url)
        if mode is Mode.ANSWER_LOST:
            return client_error(operation, words.failed[0], "the answer was lost", words.failed[1])
        if mode is Mode.DENIED:
            return client_error(operation, words.denied[0], "not authorized", words.denied[1])
        error = client_error(operation, words.throttled[0], "slow down", words.throttled[1])
        error.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] = "2"
        return error


def _resource(parameters: Mapping[str, Any]) -> str:
    return next((str(parameters[name]) for name in _RESOURCES if name in parameters), "")
