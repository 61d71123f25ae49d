"""The AWS that the unit tests run against: moto, the rules of the local AWS over it, and in front what moto lacks.

Everything happens where botocore has checked the parameters and would send the request, so the code under
test uses real boto3 clients, paginators included.
"""

from __future__ import annotations

import io
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.validate import validate_parameters

from dynamodb_restore.restore.sync import Pace
from dynamodb_restore.settings.setting import Difference, Lane, Phase, Reading, State, Step, Table
from tests.unit.strict import rules_over_moto

if TYPE_CHECKING:
    from botocore.client import BaseClient

REGION = "eu-central-1"
ACCOUNT = "123456789012"


def table_arn(name: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def kinesis_arn(name: str) -> str:
    return f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}"


def client_error(operation: str, code: str, message: str = "", status: int = 400) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "RequestId": "0",
                "HostId": "",
                "HTTPStatusCode": status,
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        operation,
    )


@dataclass(frozen=True)
class Call:
    """One request as AWS would have received it."""

    operation: str
    parameters: Mapping[str, Any]

    @property
    def mutating(self) -> bool:
        return not self.operation.startswith(("Describe", "List", "Get", "Query"))


class Aws:
    """All services at once: a log of the calls, faults on demand, the rules over moto, and the two fakes."""

    def __init__(self) -> None:
        self.rules = rules_over_moto()
        self.calls: list[Call] = []
        self.kinesis = KinesisDestinations()
        self.triggers = EventSourceMappings()
        self.objects = Objects()
        self._faults: dict[str, deque[Exception]] = {}
        self._lasting: dict[str, dict[str, Any]] = {}
        self._passing: dict[str, deque[Mapping[str, Any]]] = {}

    def fail(
        self, operation: str, code: str, message: str = "", *, times: int = 1, status: int = 400
    ) -> None:
        """Let the next calls of `operation` fail."""
        errors = [client_error(operation, code, message, status) for _ in range(times)]
        self._faults.setdefault(operation, deque()).extend(errors)

    def describe_as(self, table: str, **description: Any) -> None:
        """Let DescribeTable say this of a table from now on."""
        self._lasting.setdefault(table, {}).update(description)

    def describe_next(self, table: str, *descriptions: Mapping[str, Any]) -> None:
        """Let the next calls of DescribeTable for a table say these things, one after the other."""
        self._passing.setdefault(table, deque()).extend(descriptions)

    def named(self, operation: str) -> list[Mapping[str, Any]]:
        """The parameters of all calls of one operation."""
        return [call.parameters for call in self.calls if call.operation == operation]

    def writes(self) -> list[str]:
        """The operations that changed something, but for the restore table's own."""
        own = ("GetItem", "UpdateItem", "Query")
        return [call.operation for call in self.calls if call.mutating and call.operation not in own]

    def answer(
        self,
        client: BaseClient,
        operation: str,
        parameters: dict[str, Any],
        otherwise: Callable[[BaseClient, str, dict[str, Any]], dict[str, Any]],
    ) -> dict[str, Any]:
        shape = client.meta.service_model.operation_model(operation).input_shape
        if shape is not None:
            validate_parameters(parameters, shape)
        self.calls.append(Call(operation, parameters))
        if self._faults.get(operation):
            raise self._faults[operation].popleft()
        for fake in (self.kinesis.operations, self.triggers.operations, self.objects.operations):
            if operation in fake:
                return fake[operation](parameters)
        answer = otherwise(client, operation, parameters)
        if operation == "DescribeTable":
            name = answer["Table"]["TableName"]
            answer["Table"].update(self._lasting.get(name, {}))
            if self._passing.get(name):
                answer["Table"].update(self._passing[name].popleft())
        return answer


@dataclass
class KinesisDestinations:
    """DynamoDB's Kinesis destinations: enabling takes some looks, and may fail while it is looked at."""

    looks_until_done: int = 0
    failure: str | None = None
    destinations: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    _looks: int = 0

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "DescribeKinesisStreamingDestination": self._describe,
            "EnableKinesisStreamingDestination": self._enable,
        }

    def put(self, table: str, stream: str, status: str = "ACTIVE", **more: str) -> None:
        """Give a table a destination without a call."""
        self.destinations.setdefault(table, []).append(
            {"StreamArn": kinesis_arn(stream), "DestinationStatus": status, **more}
        )

    def _describe(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        destinations = self.destinations.get(parameters["TableName"], [])
        for destination in destinations:
            if destination["DestinationStatus"] == "ENABLING":
                self._looks += 1
                if self._looks > self.looks_until_done:
                    self._finish(destination)
        return {
            "TableName": parameters["TableName"],
            "KinesisDataStreamDestinations": [dict(destination) for destination in destinations],
        }

    def _finish(self, destination: dict[str, str]) -> None:
        if self.failure is None:
            destination["DestinationStatus"] = "ACTIVE"
        else:
            destination["DestinationStatus"] = "ENABLE_FAILED"
            destination["DestinationStatusDescription"] = self.failure

    def _enable(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        for present in self.destinations.get(parameters["TableName"], []):
            if present["DestinationStatus"] not in ("DISABLED", "ENABLE_FAILED"):
                # In these words AWS also refuses what it is already doing.
                raise client_error(
                    "EnableKinesisStreamingDestination",
                    "ValidationException",
                    "Table is not in a valid state to enable Kinesis Streaming Destination: "
                    "EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation.",
                )
        configuration = parameters.get("EnableKinesisStreamingConfiguration", {})
        destination = {
            "StreamArn": parameters["StreamArn"],
            "DestinationStatus": "ENABLING",
            "ApproximateCreationDateTimePrecision": configuration.get(
                "ApproximateCreationDateTimePrecision", "MILLISECOND"
            ),
        }
        others = [
            other
            for other in self.destinations.get(parameters["TableName"], [])
            if other["StreamArn"] != parameters["StreamArn"]
        ]
        self.destinations[parameters["TableName"]] = [*others, destination]
        return {
            "TableName": parameters["TableName"],
            "StreamArn": parameters["StreamArn"],
            "DestinationStatus": "ENABLING",
            "EnableKinesisStreamingConfiguration": configuration,
        }


class Objects:
    """S3's objects, which come in the order of their keys, a page at a time
    (docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html)."""

    page_size = 2

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, datetime]] = {}
        self.contents: dict[tuple[str, str], bytes] = {}

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "ListObjectsV2": self._list,
            "PutObject": self._put,
            "GetObject": self._get,
            "DeleteObject": self._delete,
        }

    def put(self, bucket: str, key: str, at: float, content: bytes = b"") -> None:
        """Put an object at an instant, in epoch seconds; S3 tells the whole second."""
        self.buckets.setdefault(bucket, {})[key] = datetime.fromtimestamp(int(at), UTC)
        self.contents[bucket, key] = content

    def _put(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        bucket, key = parameters["Bucket"], parameters["Key"]
        self._check_bucket("PutObject", bucket)
        self.put(bucket, key, datetime.now(UTC).timestamp(), parameters["Body"])
        return {}

    def _get(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        bucket, key = parameters["Bucket"], parameters["Key"]
        self._check_bucket("GetObject", bucket)
        if key not in self.buckets[bucket]:
            raise client_error("GetObject", "NoSuchKey", "The specified key does not exist.", status=404)
        content = self.contents[bucket, key]
        return {"ContentLength": len(content), "Body": StreamingBody(io.BytesIO(content), len(content))}

    def _delete(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self.buckets[parameters["Bucket"]].pop(parameters["Key"], None)
        return {}

    def _check_bucket(self, operation: str, bucket: str) -> None:
        if bucket not in self.buckets:
            raise client_error(operation, "NoSuchBucket", "The specified bucket does not exist", status=404)

    def _list(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        bucket = parameters["Bucket"]
        self._check_bucket("ListObjectsV2", bucket)
        prefix, after = parameters.get("Prefix", ""), parameters.get("ContinuationToken", "")
        keys = sorted(key for key in self.buckets[bucket] if key.startswith(prefix) and key > after)
        page = keys[: self.page_size]
        answer: dict[str, Any] = {"KeyCount": len(page), "IsTruncated": len(page) < len(keys)}
        if page:
            answer["Contents"] = [{"Key": key, "LastModified": self.buckets[bucket][key]} for key in page]
        if answer["IsTruncated"]:
            answer["NextContinuationToken"] = page[-1]
        return answer


class EventSourceMappings:
    """Lambda's event source mappings of streams."""

    page_size = 2

    def __init__(self) -> None:
        self.mappings: list[dict[str, Any]] = []
        self.tags: dict[str, dict[str, str]] = {}
        self.unusable_keys: set[str] = set()
        self.functions_without_access: set[str] = set()
        self._made = 0

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "ListEventSourceMappings": self._list,
            "GetEventSourceMapping": self._get,
            "CreateEventSourceMapping": self._create,
            "ListTags": self._list_tags,
        }

    def put(
        self, stream_arn: str, function: str, *, tags: Mapping[str, str] | None = None, **properties: Any
    ) -> None:
        """Make a mapping without a call, with what Lambda returns for one whose maker chose nothing."""
        self._made += 1
        uuid = f"00000000-0000-4000-8000-{self._made:012d}"
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{uuid}"
        mapping: dict[str, Any] = {
            "UUID": uuid,
            "EventSourceMappingArn": arn,
            "EventSourceArn": stream_arn,
            "FunctionArn": function,
            "State": "Enabled",
            "StartingPosition": "TRIM_HORIZON",
            "BatchSize": 100,
            "MaximumBatchingWindowInSeconds": 0,
            "ParallelizationFactor": 1,
            "MaximumRecordAgeInSeconds": -1,
            "BisectBatchOnFunctionError": False,
            "MaximumRetryAttempts": -1,
            "TumblingWindowInSeconds": 0,
            "FunctionResponseTypes": [],
            "DestinationConfig": {"OnFailure": {}},
            **properties,
        }
        self.mappings.append(mapping)
        self.tags[arn] = dict(tags or {})

    def _list(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        found = [
            mapping for mapping in self.mappings if mapping["EventSourceArn"] == parameters["EventSourceArn"]
        ]
        start = int(parameters.get("Marker", "0"))
        page = found[start : start + self.page_size]
        answer: dict[str, Any] = {"EventSourceMappings": [_listed(mapping) for mapping in page]}
        if start + self.page_size < len(found):
            answer["NextMarker"] = str(start + self.page_size)
        for mapping in page:
            mapping["State"] = mapping.pop("_becomes", mapping["State"])
        return answer

    def _get(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        (mapping,) = (mapping for mapping in self.mappings if mapping["UUID"] == parameters["UUID"])
        if mapping.get("KMSKeyArn") in self.unusable_keys:
            error = {"ErrorCode": "KMSAccessDeniedException", "Message": "kms:Decrypt is not allowed"}
            return {**_listed(mapping), "FilterCriteriaError": error}
        return dict(mapping)

    def _create(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        function, stream_arn = parameters["FunctionName"], parameters["EventSourceArn"]
        if function in self.functions_without_access:
            raise client_error(
                "CreateEventSourceMapping",
                "InvalidParameterValueException",
                f"Cannot access stream {stream_arn}. Please ensure the role can perform the GetRecords, "
                "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.",
            )
        for mapping in self.mappings:
            if (mapping["EventSourceArn"], mapping["FunctionArn"]) == (stream_arn, function):
                raise client_error(
                    "CreateEventSourceMapping",
                    "ResourceConflictException",
                    "An event source mapping with this event source and function already exists.",
                )
        chosen = {
            key: value
            for key, value in parameters.items()
            if key not in ("FunctionName", "EventSourceArn", "Enabled", "Tags")
        }
        becomes = "Enabled" if parameters.get("Enabled", True) else "Disabled"
        self.put(
            stream_arn,
            function,
            tags=parameters.get("Tags"),
            **{**chosen, "State": "Creating", "_becomes": becomes},
        )
        return _listed(self.mappings[-1])

    def _list_tags(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {"Tags": dict(self.tags[parameters["Resource"]])}


def _listed(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping as every operation but GetEventSourceMapping shows it: an encrypted filter is left out."""
    hidden = ("_becomes", "FilterCriteria") if mapping.get("KMSKeyArn") else ("_becomes",)
    return {key: value for key, value in mapping.items() if key not in hidden}


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self, budget_seconds: float = 120.0) -> None:
        self.budget_seconds = budget_seconds
        self.naps: list[float] = []

    @property
    def slept_seconds(self) -> float:
        return sum(self.naps)

    def pace(self) -> Pace:
        return Pace(
            sleep=self.naps.append,
            remaining_seconds=lambda: self.budget_seconds - self.slept_seconds,
            rng=random.Random(7),
        )


class Shelf:
    """A setting in memory: jars, by table. What the source has and the target lacks is a step each."""

    phase = Phase.ON_ACTIVE
    lane = Lane.ALONE

    def __init__(self, name: str = "shelf", jars: Mapping[str, Sequence[str]] | None = None) -> None:
        self.name = name
        self.jars = {table: list(names) for table, names in (jars or {}).items()}
        self.applied: list[str] = []
        self.reads = 0
        self.read_faults: deque[Exception | None] = deque()
        self.looks_until_seen = 0
        self.busy_looks = 0
        self.failures: tuple[str, ...] = ()
        self.conflicts: tuple[str, ...] = ()
        self.omitted: tuple[str, ...] = ()
        self._apply_faults: dict[str, deque[Exception]] = {}
        self._unseen: list[str] = []

    def refuse(self, jar: str, *errors: Exception) -> None:
        """Let the next tries to put a jar fail."""
        self._apply_faults[jar] = deque(errors)

    def put_unseen(self, jar: str) -> None:
        """A jar that somebody else has put, and that reads show only after `looks_until_seen`."""
        self._unseen.append(jar)

    def read(self, table: Table) -> Reading:
        self.reads += 1
        fault = self.read_faults.popleft() if self.read_faults else None
        if fault is not None:
            raise fault
        if self._unseen:
            self.looks_until_seen -= 1
        if self.looks_until_seen <= 0:
            self.jars.setdefault(table.name, []).extend(self._unseen)
            self._unseen.clear()
        in_motion: tuple[str, ...] = ()
        if self.busy_looks > 0:
            self.busy_looks -= 1
            in_motion = ("the shelf is being painted",)
        return Reading({"jars": sorted(self.jars.get(table.name, []))}, in_motion, self.failures)

    def diff(self, desired: State, current: State) -> Difference:
        missing = [jar for jar in desired["jars"] if jar not in current["jars"]]
        steps = tuple(Step(f"put {jar}", {"jar": jar}) for jar in missing)
        return Difference(steps, self.conflicts, self.omitted)

    def apply(self, table: Table, step: Step) -> None:
        jar = step.payload["jar"]
        if self._apply_faults.get(jar):
            raise self._apply_faults[jar].popleft()
        self.applied.append(jar)
        if self.looks_until_seen:
            self._unseen.append(jar)
        else:
            self.jars.setdefault(table.name, []).append(jar)
