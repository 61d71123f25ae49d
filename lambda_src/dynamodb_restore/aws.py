"""The only module that imports botocore and boto3: clients, error classes, items in DynamoDB's form, table names and ARNs.

Everything else receives `Clients` and asks `classify` what an error means.
"""

from __future__ import annotations

import enum
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Protocol

import boto3
import botocore.exceptions
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError

from dynamodb_restore.listings import Listings

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_appsync import AppSyncClient
    from mypy_boto3_backup import BackupClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_pipes import EventBridgePipesClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_sts import STSClient

ClientError = botocore.exceptions.ClientError
"""What a service answered with instead of a result."""

AwsError = (ClientError, BotoCoreError)
"""What an AWS call can raise: the pair that callers name in `except`."""

_CONNECT_SECONDS = 1.5
"""Longer than the second after which TCP repeats a lost SYN."""

_READ_SECONDS = 4.0

_ATTEMPTS = 4
"""Of a call that AWS refuses for the moment. What is not answered is tried as often as fits into `CALL_SECONDS`: twice."""

_LONGEST_BACKOFF_SECONDS = 20.0
"""botocore's standard mode waits for a random part of 2 to the power of the retries so far, and no longer than this
(docs.aws.amazon.com/boto3/latest/guide/retries.html)."""

ATTEMPT_SECONDS = _CONNECT_SECONDS + _READ_SECONDS
"""How long one attempt of a call takes at most where no answer comes. A name with several addresses that all do not
accept a connection takes longer, `_CONNECT_SECONDS` for each; so does an answer that comes in drops."""

CALL_SECONDS = 2 * ATTEMPT_SECONDS + 1.0
"""How long a call takes at most with all its attempts: two that hang, and the wait between them (`CallTime`). It is a tenth of
the restore worker's usual time, and whatever time a function keeps back is a multiple of it."""


def longest_backoff(attempts: int) -> float:
    """How long botocore waits at most after so many attempts of one call, seconds."""
    return min(2.0 ** (attempts - 1), _LONGEST_BACKOFF_SECONDS)


_FIRST_FAILURE_STATUS = 300
"""From which HTTP status on botocore raises what it was answered (botocore/client.py)."""


class CallNotBegunError(BotoCoreError):
    """A call that was not made, because the invocation could not end in time if there was no answer."""

    fmt = "not called for want of time in this invocation"


class CallTime:
    """The time that one invocation has for its calls. None is begun that could hang for longer than the rest of it, so an
    endpoint that does not answer costs a call, and not the invocation. And no attempt of a call is begun that could end
    more than `CALL_SECONDS` after the first."""

    def __init__(self) -> None:
        # Calls run beside each other, each in a thread of its own.
        self._of_thread = threading.local()
        self._remaining_seconds: Callable[[], float] | None = None
        self._kept_seconds = 0.0

    @contextmanager
    def limited(self, remaining_seconds: Callable[[], float], kept_seconds: float) -> Iterator[None]:
        """Within this, calls are made only while there is time for one, and for what comes after it.

        Args:
            remaining_seconds: how long the invocation may still run.
            kept_seconds: of that, for what comes after these calls.
        """
        before = self._remaining_seconds, self._kept_seconds
        self._remaining_seconds, self._kept_seconds = remaining_seconds, kept_seconds
        try:
            yield
        finally:
            self._remaining_seconds, self._kept_seconds = before

    @contextmanager
    def keeping(self, seconds: float) -> Iterator[None]:
        """The same invocation, with so much kept for what comes after these calls."""
        before, self._kept_seconds = self._kept_seconds, seconds
        try:
            yield
        finally:
            self._kept_seconds = before

    def look(self, **_event: Any) -> None:
        """Called by botocore before each call of a client.

        Raises:
            CallNotBegunError: there is not time enough left.
        """
        remaining = self._remaining_seconds
        if remaining is not None and remaining() < CALL_SECONDS + self._kept_seconds:
            raise CallNotBegunError
        self._of_thread.began = time.monotonic()

    def look_before_another_attempt(
        self,
        *,
        attempts: int,
        operation: OperationModel,
        response: tuple[Any, dict[str, Any]] | None,
        caught_exception: BaseException | None,
        **_event: Any,
    ) -> None:
        """Called by botocore after each attempt, before it waits and makes another
        (botocore/endpoint.py, "needs-retry"). What it would have raised at last is raised now where another does not fit.

        Args:
            attempts: made so far.
            response: the HTTP response and what it says, as `ClientError` takes it; None where there is none.

        Raises:
            ClientError, BotoCoreError: how the attempt failed.
        """
        elapsed = time.monotonic() - self._of_thread.began
        if elapsed + longest_backoff(attempts) + ATTEMPT_SECONDS <= CALL_SECONDS:
            return
        if caught_exception is not None:
            raise caught_exception
        if response is not None and response[0].status_code >= _FIRST_FAILURE_STATUS:
            _, parsed = response
            parsed.setdefault("ResponseMetadata", {})["RetryAttempts"] = attempts - 1
            raise ClientError(parsed, operation.name)  # type: ignore[arg-type]


class CloudTrailClient(Protocol):
    """What is called of CloudTrail."""

    def lookup_events(self, **parameters: Any) -> Mapping[str, Any]:
        """docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html."""
        ...

    def describe_trails(self, **parameters: Any) -> Mapping[str, Any]:
        """docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html."""
        ...

    def get_event_selectors(self, **parameters: Any) -> Mapping[str, Any]:
        """docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html."""
        ...


class Ec2Client(Protocol):
    """What is called of EC2."""

    def describe_vpc_endpoints(self, **parameters: Any) -> Mapping[str, Any]:
        """docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpoints.html."""
        ...


class IntegrationsClient(Protocol):
    """What is called of AWS Glue, and of Amazon Redshift."""

    def describe_integrations(self, **parameters: Any) -> Mapping[str, Any]:
        """docs.aws.amazon.com/glue/latest/webapi/API_DescribeIntegrations.html and
        docs.aws.amazon.com/redshift/latest/APIReference/API_DescribeIntegrations.html."""
        ...


class IngestionClient(Protocol):
    """What is called of Amazon OpenSearch Ingestion."""

    def list_pipelines(self, **parameters: Any) -> Mapping[str, Any]:
        """docs.aws.amazon.com/opensearch-service/latest/APIReference/API_osis_ListPipelines.html."""
        ...

    def get_pipeline(self, **parameters: Any) -> Mapping[str, Any]:
        """docs.aws.amazon.com/opensearch-service/latest/APIReference/API_osis_GetPipeline.html."""
        ...


class Clients:
    """The boto3 clients of one region, each made on first use and kept for later invocations.

    Attributes:
        call_time: asked before each call, also of `in_region`.
    """

    def __init__(self, region: str | None = None, call_time: CallTime | None = None) -> None:
        self._session = boto3.session.Session(region_name=region)
        self.call_time = call_time or CallTime()
        self._elsewhere: dict[str, Clients] = {}
        # botocore's standard mode backs off with jitter on throttles and 5xx answers; the visibility
        # timeout of the message carries every longer wait, so a call should fail early.
        self._config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            user_agent_extra="dynamodb-restore",
        )
        # The event that comes first in a call, and once for all its attempts
        # (docs.aws.amazon.com/boto3/latest/guide/events.html).
        self._session.events.register("provide-client-params", self.call_time.look)
        self._session.events.register("needs-retry", self.call_time.look_before_another_attempt)

    @cached_property
    def listings(self) -> Listings:
        """What was listed of this region, shared by all who use these clients."""
        return Listings()

    @cached_property
    def _once(self) -> Config:
        """One attempt a call, which may take as long as all attempts of another. An attempt that timed out may still take
        effect, later than its own repetition; a caller for whom that matters has to know of each attempt."""
        patient = CALL_SECONDS - _CONNECT_SECONDS
        return self._config.merge(
            Config(read_timeout=patient, retries={"mode": "standard", "total_max_attempts": 1})
        )

    @property
    def region(self) -> str:
        return self.dynamodb.meta.region_name

    def in_region(self, region: str) -> Clients:
        """The clients of another region, or these where it is their own."""
        if region == self.region:
            return self
        if region not in self._elsewhere:
            self._elsewhere[region] = Clients(region, self.call_time)
        return self._elsewhere[region]

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        return self._session.client("dynamodb", config=self._config)

    @cached_property
    def dynamodb_once(self) -> DynamoDBClient:
        """For writes that the caller repeats by itself, if at all: see `_once`. One that timed out can still take effect, after
        its repetition and after what came next; whoever uses this asks `outcome_unknown`."""
        return self._session.client("dynamodb", config=self._once)

    @cached_property
    def lambda_(self) -> LambdaClient:
        return self._session.client("lambda", config=self._config)

    @cached_property
    def lambda_invoking(self) -> LambdaClient:
        """For invocations whose answer is waited for: as long as a function may run, `CALL_SECONDS` or not, and never begun a
        second time (docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, function timeout)."""
        patient = Config(read_timeout=900, retries={"mode": "standard", "total_max_attempts": 1})
        return self._session.client("lambda", config=self._config.merge(patient))

    @cached_property
    def auto_scaling(self) -> ApplicationAutoScalingClient:
        return self._session.client("application-autoscaling", config=self._config)

    @cached_property
    def sqs(self) -> SQSClient:
        return self._session.client("sqs", config=self._config)

    @cached_property
    def sqs_once(self) -> SQSClient:
        """For sends that the caller repeats by itself, if at all: see `_once`."""
        return self._session.client("sqs", config=self._once)

    @cached_property
    def kms(self) -> KMSClient:
        return self._session.client("kms", config=self._config)

    @cached_property
    def sns(self) -> SNSClient:
        return self._session.client("sns", config=self._config)

    @cached_property
    def events(self) -> EventBridgeClient:
        return self._session.client("events", config=self._config)

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        return self._session.client("cloudwatch", config=self._config)

    @cached_property
    def backup(self) -> BackupClient:
        return self._session.client("backup", config=self._config)

    @cached_property
    def cloudtrail(self) -> CloudTrailClient:
        client: CloudTrailClient = self._session.client("cloudtrail", config=self._config)
        return client

    @cached_property
    def ec2(self) -> Ec2Client:
        client: Ec2Client = self._session.client("ec2", config=self._config)
        return client

    @cached_property
    def glue(self) -> IntegrationsClient:
        client: IntegrationsClient = self._session.client("glue", config=self._config)
        return client

    @cached_property
    def redshift(self) -> IntegrationsClient:
        client: IntegrationsClient = self._session.client("redshift", config=self._config)
        return client

    @cached_property
    def osis(self) -> IngestionClient:
        client: IngestionClient = self._session.client("osis", config=self._config)
        return client

    @cached_property
    def kinesis(self) -> KinesisClient:
        return self._session.client("kinesis", config=self._config)

    @cached_property
    def iam(self) -> IAMClient:
        return self._session.client("iam", config=self._config)

    @cached_property
    def s3(self) -> S3Client:
        return self._session.client("s3", config=self._config)

    @cached_property
    def pipes(self) -> EventBridgePipesClient:
        return self._session.client("pipes", config=self._config)

    @cached_property
    def ssm(self) -> SSMClient:
        return self._session.client("ssm", config=self._config)

    @cached_property
    def step_functions(self) -> SFNClient:
        return self._session.client("stepfunctions", config=self._config)

    @cached_property
    def appsync(self) -> AppSyncClient:
        return self._session.client("appsync", config=self._config)

    @cached_property
    def sts(self) -> STSClient:
        return self._session.client("sts", config=self._config)


@cache
def clients(region: str | None = None) -> Clients:
    """The clients of a region, by default the function's own, shared by all invocations of one execution environment."""
    return Clients(region)


class ErrorClass(enum.Enum):
    """What an error asks of its caller."""

    RETRY = "retry"
    """The same call can succeed later without any repair."""
    GIVE_UP = "give up"
    """Only a person can fix it: permissions, limits, bad input."""
    IGNORE = "ignore"
    """The result of the call is already in place; reading it back confirms that."""


@dataclass(frozen=True)
class _Rule:
    code: str
    meaning: ErrorClass
    message: str = ""
    operations: frozenset[str] = frozenset()

    def matches(self, code: str, message: str, operation: str) -> bool:
        named_here = not self.operations or operation in self.operations
        return code == self.code and self.message in message.lower() and named_here


_TABLE_CALLS = frozenset(
    {
        "ListTagsOfResource",
        "TagResource",
        "DescribeTimeToLive",
        "UpdateTimeToLive",
        "UpdateTable",
        "DescribeContinuousBackups",
        "UpdateContinuousBackups",
        "DescribeKinesisStreamingDestination",
        "EnableKinesisStreamingDestination",
        "ListContributorInsights",
        "DescribeContributorInsights",
        "UpdateContributorInsights",
        "GetResourcePolicy",
        "PutResourcePolicy",
    }
)
_AUTO_SCALING_WRITES = frozenset({"RegisterScalableTarget", "PutScalingPolicy", "PutScheduledAction"})

# The first match applies. Sources: the "Errors" sections of the API reference of each operation.
_RULES = (
    # A table that is not ACTIVE answers these calls with "not found"; DescribeTable alone tells whether
    # a table exists (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TagResource.html).
    _Rule("ResourceNotFoundException", ErrorClass.RETRY, operations=_TABLE_CALLS),
    _Rule("TableNotFoundException", ErrorClass.RETRY, operations=_TABLE_CALLS),
    _Rule("ContinuousBackupsUnavailableException", ErrorClass.RETRY),
    # A policy is there where none was expected, and reads do not show it yet
    # (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html).
    _Rule("PolicyNotFoundException", ErrorClass.RETRY, operations=frozenset({"PutResourcePolicy"})),
    _Rule("ResourceInUseException", ErrorClass.RETRY),
    # Application Auto Scaling counts objects, DynamoDB counts control-plane operations under way.
    _Rule("LimitExceededException", ErrorClass.GIVE_UP, operations=_AUTO_SCALING_WRITES),
    # Two changes of class in 30 days and the quota of throughput for each table are no matter of waiting
    # (docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.tableclasses.html,
    # docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html).
    _Rule("LimitExceededException", ErrorClass.GIVE_UP, "updates to tableclass", frozenset({"UpdateTable"})),
    _Rule("LimitExceededException", ErrorClass.GIVE_UP, "exceeds tablemax", frozenset({"UpdateTable"})),
    _Rule("LimitExceededException", ErrorClass.RETRY),
    # A scalable target that was just registered may not be visible to the call that follows.
    _Rule("ObjectNotFoundException", ErrorClass.RETRY, operations=_AUTO_SCALING_WRITES),
    _Rule("ConcurrentUpdateException", ErrorClass.RETRY),
    # CloudWatch's throttle, passed on (github.com/hashicorp/terraform-provider-aws, issue 1428 and pull request 2275); else
    # Application Auto Scaling lacks a permission
    # (docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html).
    _Rule("FailedResourceAccessException", ErrorClass.RETRY, "rate exceeded"),
    _Rule("FailedResourceAccessException", ErrorClass.GIVE_UP),
    # So it says of a table that is not ACTIVE, where others say "not found" (ack-api-quirks, DDB-TABLE-442).
    _Rule(
        "ValidationException",
        ErrorClass.RETRY,
        "while table is in creating state",
        frozenset({"DescribeTimeToLive"}),
    ),
    # UpdateTimeToLive: one change an hour; enabling what is enabled is an error
    # (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html).
    _Rule("ValidationException", ErrorClass.IGNORE, "already enabled", frozenset({"UpdateTimeToLive"})),
    _Rule("ValidationException", ErrorClass.RETRY, "multiple times", frozenset({"UpdateTimeToLive"})),
    _Rule("ValidationException", ErrorClass.IGNORE, "already has an enabled stream"),
    # The answer to the first try was lost; reading back will tell whose destination it is.
    _Rule(
        "ValidationException",
        ErrorClass.IGNORE,
        "must be disabled or enable_failed",
        frozenset({"EnableKinesisStreamingDestination"}),
    ),
    # Adding a replica: the scaling policies were looked up right before, so AWS does not see them yet
    # (docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-security.html).
    _Rule(
        "ValidationException", ErrorClass.RETRY, "pay-per-request or autoscaled", frozenset({"UpdateTable"})
    ),
    # While a replica is being added, which takes hours for a large table, AWS takes no other, and nothing else that all
    # replicas share: UpdateTimeToLive answers so too (ack-api-quirks, DDB-TABLE-442: what AWS answered to its probes).
    _Rule("ValidationException", ErrorClass.RETRY, "while the replica is being", _TABLE_CALLS),
    # It asks in so many words to come back when encryption has changed.
    _Rule("ValidationException", ErrorClass.RETRY, "retry the request after", _TABLE_CALLS),
    # Warm throughput that grew by use, between the reading and the write, past what was asked for.
    _Rule("ValidationException", ErrorClass.IGNORE, "decreasing warmthroughput", frozenset({"UpdateTable"})),
    # An index can be made ready after its table.
    _Rule(
        "ValidationException",
        ErrorClass.RETRY,
        "status must be active",
        frozenset({"UpdateContributorInsights"}),
    ),
    _Rule("ResourceConflictException", ErrorClass.IGNORE, "already exists"),
    _Rule("ResourceConflictException", ErrorClass.RETRY),
    # A conditional write to the restore record that lost to a later state of the same restore.
    _Rule("ConditionalCheckFailedException", ErrorClass.IGNORE),
    _Rule("TooManyRequestsException", ErrorClass.RETRY),
    _Rule("ProvisionedThroughputExceededException", ErrorClass.RETRY),
    _Rule("RequestLimitExceeded", ErrorClass.RETRY),
    _Rule("RequestTimeout", ErrorClass.RETRY),
    _Rule("RequestTimeoutException", ErrorClass.RETRY),
)


_ITEM_REFUSALS = ("ValidationException", "ItemCollectionSizeLimitExceededException")


def classify(error: BaseException) -> ErrorClass:
    """Say what an error from an AWS call asks of its caller; anything unknown asks for a person."""
    if isinstance(error, (HTTPClientError, BotoConnectionError, CallNotBegunError)):
        return ErrorClass.RETRY
    if not isinstance(error, ClientError):
        return ErrorClass.GIVE_UP
    code = error_code(error)
    message = str(error.response.get("Error", {}).get("Message", ""))
    for rule in _RULES:
        if rule.matches(code, message, error.operation_name):
            return rule.meaning
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    throttled = "throttl" in code.lower()
    return ErrorClass.RETRY if throttled or status >= 500 else ErrorClass.GIVE_UP


def refuses_item(error: BaseException) -> bool:
    """Whether a write failed because of the item itself, so that other items may still be written
    (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html)."""
    return isinstance(error, ClientError) and error_code(error) in _ITEM_REFUSALS


def was_not_answered(error: BaseException) -> bool:
    """Whether a call ended without an answer, or was not made because that could happen: making it again at once would cost
    as much time once more."""
    return isinstance(error, (HTTPClientError, BotoConnectionError, CallNotBegunError))


_NOT_SENT = (
    CallNotBegunError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    CredentialRetrievalError,
    ParamValidationError,
)
"""What botocore raises before a request has left."""


def outcome_unknown(error: BaseException) -> bool:
    """Whether a failed call may have taken effect, or may still: no answer came, or one of the 5xx kind.

    Any other error answer means that DynamoDB has done nothing
    (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html: "a 500 does not mean that the
    request failed").
    """
    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
    return not isinstance(error, _NOT_SENT)


def was_retried(error: BaseException) -> bool:
    """Whether the SDK sent a failed request more than once: what the last answer says need not hold for those before it
    (docs.aws.amazon.com/boto3/latest/guide/retries.html, `RetryAttempts`)."""
    if not isinstance(error, ClientError):
        return False
    return int(error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)) > 0


def error_code(error: BaseException) -> str:
    """The service's error code (`ValidationException`), or the class name of any other exception."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


def is_condition_failed(error: BaseException) -> bool:
    """Whether a write was not made because its condition does not hold."""
    return error_code(error) == "ConditionalCheckFailedException"


def item_that_failed(error: ClientError) -> dict[str, Any]:
    """The item that a condition did not hold for, where the call asked for it by `ReturnValuesOnConditionCheckFailure`; empty
    where there is none (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html)."""
    item: dict[str, Any] = error.response.get("Item", {})  # type: ignore[assignment]
    return item


def marshal(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values, and bytes, as DynamoDB's attribute values. Its numbers are decimals, never floats. Of a text, what UTF-8 cannot
    write down (half a surrogate pair, which JSON can escape) becomes a question mark: no service takes it."""
    serialize = TypeSerializer().serialize
    return {name: serialize(_exact(value)) for name, value in values.items()}


def unmarshal(item: Mapping[str, Any]) -> dict[str, Any]:
    """A DynamoDB item as JSON values, and bytes: whole numbers become int, all others float."""
    deserialize = TypeDeserializer().deserialize
    return {name: _without_decimals(deserialize(value)) for name, value in item.items()}


def _exact(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case float():
            return Decimal(str(value))
        case Mapping():
            return {_exact(key): _exact(member) for key, member in value.items()}
        case list() | tuple():
            return [_exact(member) for member in value]
    return value


def _without_decimals(value: Any) -> Any:
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case Binary():
            stored: bytes = value.value  # type: ignore[attr-defined]
            return stored
        case dict():
            return {key: _without_decimals(member) for key, member in value.items()}
        case list():
            return [_without_decimals(member) for member in value]
    return value


def retry_after(error: BaseException) -> float | None:
    """How many seconds the service asks its caller to wait, if it says so: the header `Retry-After`
    (RFC 9110, 10.2.3; docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html, TooManyRequestsException)."""
    if not isinstance(error, ClientError):
        return None
    value = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", "")
    return float(value) if value.isdecimal() else None


def explain(error: BaseException) -> str:
    """One line for a person: the operation, the code and the service's own message."""
    if isinstance(error, ClientError):
        message = error.response.get("Error", {}).get("Message", "no message")
        return f"{error.operation_name}: {error_code(error)}: {message}"
    return f"{type(error).__name__}: {error}"


def knows_vector_indexes(dynamodb: DynamoDBClient) -> bool:
    """Whether the AWS SDK at hand reads vector indexes from DescribeTable's answer: what it does not know it leaves out without a
    word, and Lambda's runtimes have releases that are older than such indexes
    (docs.aws.amazon.com/lambda/latest/dg/lambda-python.html)."""
    described: Any = dynamodb.meta.service_model.shape_for("TableDescription")
    return "VectorIndexes" in described.members


def describe_table(clients: Clients, table: str) -> TableDescriptionTypeDef | None:
    """DescribeTable's `Table`, or None where no such table exists.

    Raises:
        ClientError: anything but ResourceNotFoundException.
    """
    try:
        return clients.dynamodb.describe_table(TableName=table)["Table"]
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return None
        raise


TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
"""Legal table names (docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html)."""

_TABLE_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):dynamodb:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):table/"
    r"(?P<name>[A-Za-z0-9_.-]{3,255})"
)


@dataclass(frozen=True)
class TableRef:
    """Which table is meant: its name, and its region and account where an ARN told them."""

    name: str
    region: str | None = None
    account: str | None = None


def table_ref(name_or_arn: str) -> TableRef:
    """Parse a table's name or ARN.

    Raises:
        ValueError: it is neither, with a text that says what was given.
    """
    if arn := _TABLE_ARN.fullmatch(name_or_arn):
        return TableRef(arn["name"], arn["region"], arn["account"])
    if TABLE_NAME.fullmatch(name_or_arn):
        return TableRef(name_or_arn)
    raise ValueError(f"{name_or_arn!r} is neither a table name nor the ARN of a table")
