"""What is between a function and its AWS: every attempt is counted, takes time, and can go wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotoConnectionError

from tests.aws.account import Account
from tests.aws.clock import VirtualClock
from tests.aws.errors import ProcessDeath, error_code
from tests.aws.hazards import Attempt, Call, Fault, Hazard, Mode
from tests.aws.names import REGION

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

_RETRIED_CODES = frozenset(
    {
        "BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException", "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException",
        "RequestTimeout", "RequestTimeoutException", "SlowDown", "ThrottledException", "Throttling", "ThrottlingException",
        "TooManyRequestsException", "TransactionInProgressException",
    }
)  # fmt: skip
_RETRIED_STATUS = (500, 502, 503, 504)
_LONGEST_BACKOFF = 20.0
"""botocore's standard mode (docs.aws.amazon.com/boto3/latest/guide/retries.html)."""


def another_fits(elapsed: float, retry: int, attempt_seconds: float, most: float) -> bool:
    """Whether a client makes another attempt, which `dynamodb_restore.aws.CallTime` decides in place of botocore.

    Args:
        elapsed: seconds since its first one began.
        retry: how many were repetitions already.
        attempt_seconds: how long one may take.
        most: that a call may take.
    """
    return elapsed + min(2.0**retry, _LONGEST_BACKOFF) + attempt_seconds <= most


@dataclass(frozen=True)
class Patience:
    """How long a client waits for what does not come.

    Attributes:
        connect, read: seconds, of one attempt.
        attempts: how many of these one attempt on the wire stands for at most, with botocore's longest pauses between them.
        most: seconds of all of them.
    """

    connect: float
    read: float
    attempts: int = 1
    most: float = float("inf")

    def seconds(self, mode: Mode) -> float:
        """How long a call takes in which every attempt ends so."""
        each = self.connect if mode is Mode.UNREACHABLE else self.read
        elapsed = each
        for retry in range(self.attempts - 1):
            if not another_fits(elapsed, retry, self.connect + self.read, self.most):
                break
            elapsed += min(2.0**retry, _LONGEST_BACKOFF) + each
        return elapsed


@dataclass
class Wire:
    """The calls that functions make to an account.

    Attributes:
        hazards: asked in their order; the first that strikes decides.
        latency: seconds that an attempt takes.
        timeout_seconds: how long a caller waits for an answer that does not come, where its door does not tell.
        checks_answers: whether a door that knows botocore's models holds every answer against them; slow.
        calls: every attempt.
        faults: how many went wrong.
        deaths: how many of these were the end of a process.
        denied: what nobody has permitted.
        refusals: operation and error code of what the account itself refused, counted.
    """

    account: Account
    hazards: list[Hazard] = field(default_factory=list)
    latency: Callable[[], float] = field(default=lambda: 0.0)
    timeout_seconds: float = 0.0
    checks_answers: bool = False
    calls: list[Call] = field(default_factory=list)
    faults: int = 0
    deaths: int = 0
    denied: set[Call] = field(default_factory=set)
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    _deadlines: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock: VirtualClock = self.account.clock

    @contextmanager
    def invocation(self, seconds: float = float("inf")) -> Iterator[None]:
        """Run a function: its calls meet hazards, and it dies at the first one after its time is up.

        Invocations may be nested: what others do meanwhile runs inside.
        """
        self._deadlines.append(self.clock.now + seconds)
        try:
            yield
        finally:
            self._deadlines.pop()

    def call(
        self,
        service: str,
        operation: str,
        parameters: Mapping[str, Any],
        *,
        region: str = REGION,
        attempts: int = 1,
        patience: Patience | None = None,
    ) -> dict[str, Any]:
        """Make one call, as a client of the SDK does.

        Args:
            service: its name in botocore.
            attempts: how often the client tries what can succeed later. One: its caller sees every failure, as it
                sees those at the end of a real client's attempts.
            patience: how long the client waits for an answer.

        Raises:
            ClientError, BotoCoreError: as botocore raises them.
            ProcessDeath: the function has died.
        """
        began = self.clock.now
        for retry in range(attempts - 1):
            try:
                return self._attempt(service, operation, parameters, region, patience)
            except (ClientError, BotoCoreError) as error:
                if not is_retried(error):
                    raise
                if patience is not None and not another_fits(
                    self.clock.now - began, retry, patience.connect + patience.read, patience.most
                ):
                    raise
            self.clock.sleep(self.account.choices.between(0.0, min(2.0**retry, _LONGEST_BACKOFF)))
        return self._attempt(service, operation, parameters, region, patience)

    def _attempt(
        self,
        service: str,
        operation: str,
        parameters: Mapping[str, Any],
        region: str,
        patience: Patience | None,
    ) -> dict[str, Any]:
        call = Call(operation, resource_of(parameters))
        attempt = Attempt(len(self.calls), call, service, region)
        self.calls.append(call)
        if not self._deadlines:
            return self._answer(operation, parameters, region)
        self.clock.sleep(self.latency())
        fault: Fault | None = None
        for hazard in self.hazards:
            if fault := hazard(attempt):
                break
        self._check_deadline()
        if fault is None and not (self.denied and call in self.denied):
            return self._answer(operation, parameters, region)
        if fault is None or fault.mode is Mode.DENIED or call in self.denied:
            self.denied.add(call)
            fault = Fault(Mode.DENIED)
        self.faults += 1
        if fault.mode.takes_effect:
            # Where AWS refuses it, that is the answer that gets lost.
            with suppress(ClientError):
                self._answer(operation, parameters, region)
        if fault.mode is Mode.LATE:
            self.account.answer_late(self.clock.now + fault.lands_after, operation, parameters, region)
        if fault.mode.is_death:
            self._die()
        if fault.mode.takes_time:
            self.clock.sleep(patience.seconds(fault.mode) if patience else self.timeout_seconds)
            self._check_deadline()
        raise fault.error_for(attempt)

    def _answer(self, operation: str, parameters: Mapping[str, Any], region: str) -> dict[str, Any]:
        try:
            return self.account.answer(operation, parameters, region)
        except ClientError as error:
            self.refusals[operation, error_code(error)] += 1
            raise

    def _check_deadline(self) -> None:
        if self.clock.now >= self._deadlines[-1]:
            self._die()

    def _die(self) -> None:
        self.deaths += 1
        raise ProcessDeath


def is_retried(error: ClientError | BotoCoreError) -> bool:
    """Whether botocore's standard mode tries a call again after an error."""
    if not isinstance(error, ClientError):
        return isinstance(error, (HTTPClientError, BotoConnectionError))
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return error_code(error) in _RETRIED_CODES or status in _RETRIED_STATUS


def resource_of(parameters: Mapping[str, Any]) -> str:
    """What a call is about."""
    for name in _RESOURCES:
        if name in parameters:
            return str(parameters[name])
    return " ".join(parameters.get("RequestItems", ()))
