"""What AWS does and the emulators do not, one small rule for each.

A rule sees every request before the emulator does (`before`, where it may answer in AWS's name) and
every answer of the emulator (`after`, where it may change it). Rules know nothing of each other and
hold their own lock; `Rules` puts them in order. Where a rule needs to know how things stand it asks the
emulator (`ask`), past the gateway, the log and all rules.

Numbers that are named `polls` count answers, not seconds: a test with `polls=3` sees the fourth answer
change, however fast or slow the machine is.

"API reference" below is docs.aws.amazon.com/amazondynamodb/latest/APIReference, "developer guide" is
docs.aws.amazon.com/amazondynamodb/latest/developerguide.
"""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from typing_extensions import override

from .calls import FUNCTION_PREFIX
from .operations import table_name
from .wire import Headers

JSON_TYPES = {"json": "application/x-amz-json-1.0", "rest": "application/json"}
Table = tuple[str, str]  # region and name


@dataclass(frozen=True)
class Request:
    service: str
    operation: str
    protocol: str
    region: str
    caller: str
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

    def refuse(self, code: str, message: str, *, status: int = 400) -> Response:
        """The error as this request's protocol spells it."""
        request_id = str(uuid.uuid4())
        common = [("x-amzn-RequestId", request_id), ("x-amzn-ErrorType", code)]
        if self.protocol == "query":
            kind = "Sender" if status < 500 else "Receiver"
            text = (
                f"<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
                f"<RequestId>{request_id}</RequestId></ErrorResponse>"
            )
            return Response(status, Headers([*common, ("Content-Type", "text/xml")]), text.encode())
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


Ask = Callable[[str, Mapping[str, Any]], Response]
"""Asks the emulator for another operation of the request's service and region."""


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


# --- restores ----------------------------------------------------------------------------------------


@dataclass
class _Restoring:
    summary: dict[str, Any]
    polls_left: int | None  # None: until released


class Restores(Rule):
    """A restored table stays CREATING, and nothing but DescribeTable knows it until it is ACTIVE.

    API reference, API_TableDescription: `TableStatus` CREATING, and `RestoreSummary` with
    `RestoreInProgress`. API_ResourceNotFoundException as listed by API_TagResource, API_UpdateTable,
    API_UpdateTimeToLive and the rest: "its status might not be ACTIVE"; the two continuous-backups calls
    have TableNotFoundException in its place (API_UpdateContinuousBackups). API_DeleteTable: a table in
    CREATING state answers ResourceInUseException.

    Only a function's DescribeTable counts as a poll, so a test may look as often as it likes.
    """

    RESTORE_CALLS = ("RestoreTableToPointInTime", "RestoreTableFromBackup")
    BACKUP_CALLS = ("DescribeContinuousBackups", "UpdateContinuousBackups")

    def __init__(self, default_polls: int | None = 0) -> None:
        super().__init__()
        self.default_polls = default_polls
        self._polls: dict[str, int | None] = {}
        self._restoring: dict[Table, _Restoring] = {}

    def stay_creating(self, target: str, polls: int | None) -> None:
        """Let a target, before it is restored, stay CREATING for this many polls; None: until `release`."""
        with self._lock:
            self._polls[target] = polls

    def release(self, target: str) -> None:
        """Let a target that is being restored be ACTIVE from the next poll on."""
        with self._lock:
            self._polls.pop(target, None)
            for table in [table for table in self._restoring if table[1] == target]:
                del self._restoring[table]

    def restoring(self, target: str) -> bool:
        with self._lock:
            return any(name == target for _, name in self._restoring)

    @override
    def reset(self) -> None:
        with self._lock:
            self._polls.clear()
            self._restoring.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if request.service != "dynamodb" or request.operation in ("DescribeTable", *self.RESTORE_CALLS):
            return None
        with self._lock:
            if request.table not in self._restoring:
                return None
        if request.operation == "DeleteTable":
            return request.refuse("ResourceInUseException", f"Table is being created: {request.resource}")
        if request.operation in self.BACKUP_CALLS:
            return request.refuse("TableNotFoundException", f"Table not found: {request.resource}")
        return request.refuse(
            "ResourceNotFoundException", f"Requested resource not found: {request.resource}"
        )

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if not response.ok:
            return response
        if request.is_call("dynamodb", *self.RESTORE_CALLS):
            return self._begin(request, response)
        if request.is_call("dynamodb", "DescribeTable"):
            return self._poll(request, response)
        return response

    def _begin(self, request: Request, response: Response) -> Response:
        answer = response.json()
        table = answer["TableDescription"]
        moment = request.parameters.get("RestoreDateTime")
        summary = {
            "SourceTableArn": _sibling_arn(table["TableArn"], request.parameters),
            # The latest restorable moment lies about five minutes back
            # (developer guide, PointInTimeRecovery_Howitworks).
            "RestoreDateTime": moment if moment is not None else int(time.time()) - 300,
            "RestoreInProgress": True,
        }
        target = request.parameters["TargetTableName"]
        with self._lock:
            polls = self._polls.pop(target, self.default_polls)
            if polls != 0:
                self._restoring[(request.region, target)] = _Restoring(summary, polls)
        return response.with_json({"TableDescription": _creating(table, summary)})

    def _poll(self, request: Request, response: Response) -> Response:
        with self._lock:
            state = self._restoring.get(request.table)
            if state is None:
                return response
            if request.by_function and state.polls_left is not None:
                if state.polls_left == 0:
                    del self._restoring[request.table]
                    return response
                state.polls_left -= 1
        answer = response.json()
        return response.with_json({"Table": _creating(answer["Table"], state.summary)})


def _creating(table: dict[str, Any], summary: dict[str, Any]) -> dict[str, Any]:
    indexes = [{**index, "IndexStatus": "CREATING"} for index in table.get("GlobalSecondaryIndexes", [])]
    changed = {**table, "TableStatus": "CREATING", "RestoreSummary": summary}
    return {**changed, "GlobalSecondaryIndexes": indexes} if indexes else changed


def _sibling_arn(arn: str, parameters: Mapping[str, Any]) -> str:
    source = (
        parameters.get("SourceTableArn")
        or parameters.get("BackupArn")
        or parameters.get("SourceTableName", "")
    )
    return f"{arn.partition(':table/')[0]}:table/{table_name(source)}"


class RestoreNeedsRecovery(Rule):
    """Only a table with point-in-time recovery can be restored to a point in time.

    API reference, API_RestoreTableToPointInTime: PointInTimeRecoveryUnavailableException, "Point in time
    recovery has not yet been enabled for this source table".
    """

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("dynamodb", "RestoreTableToPointInTime"):
            return None
        source = table_name(
            request.parameters.get("SourceTableArn") or request.parameters.get("SourceTableName", "")
        )
        answer = ask("DescribeContinuousBackups", {"TableName": source})
        if not answer.ok:
            return None  # no such table: the emulator says so itself
        if _recovery_status(answer) == "ENABLED":
            return None
        return request.refuse(
            "PointInTimeRecoveryUnavailableException",
            f"Point in time recovery is not enabled for table '{source}'",
        )


def _recovery_status(answer: Response) -> str:
    backups = answer.json()["ContinuousBackupsDescription"]
    return str(backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus", ""))


# --- point-in-time recovery --------------------------------------------------------------------------


class RecoveryNotYetAvailable(Rule):
    """Continuous backups of a table that has just become ACTIVE may be refused for a while.

    API reference, API_UpdateContinuousBackups: ContinuousBackupsUnavailableException, "Backups have not
    yet been enabled for this table".
    """

    def __init__(self, default_refusals: int = 0) -> None:
        super().__init__()
        self.default_refusals = default_refusals
        self._refusals: dict[str, int] = {}
        self._left: dict[Table, int] = {}

    def refuse(self, target: str, refusals: int) -> None:
        """Refuse the first so many UpdateContinuousBackups of a target, once it has been restored."""
        with self._lock:
            self._refusals[target] = refusals

    @override
    def reset(self) -> None:
        with self._lock:
            self._refusals.clear()
            self._left.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("dynamodb", "UpdateContinuousBackups"):
            return None
        with self._lock:
            left = self._left.get(request.table, 0)
            if left == 0:
                return None
            self._left[request.table] = left - 1
        return request.refuse(
            "ContinuousBackupsUnavailableException",
            f"Backups are being enabled for the table: {request.resource}. Please retry later",
        )

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if response.ok and request.is_call("dynamodb", *Restores.RESTORE_CALLS):
            target = request.parameters["TargetTableName"]
            with self._lock:
                self._left[(request.region, target)] = self._refusals.pop(target, self.default_refusals)
        return response


class RecoveryPeriod(Rule):
    """Point-in-time recovery keeps its period, and falls back to 35 days where none is sent.

    API reference, API_PointInTimeRecoverySpecification: `RecoveryPeriodInDays`, "If this parameter is not
    provided, it defaults to 35"; API_PointInTimeRecoveryDescription returns it. A table that is not there is
    TableNotFoundException to these two calls (API_DescribeContinuousBackups).
    """

    DEFAULT_DAYS = 35

    def __init__(self) -> None:
        super().__init__()
        self._days: dict[Table, int] = {}

    @override
    def reset(self) -> None:
        with self._lock:
            self._days.clear()

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if not request.is_call("dynamodb", *Restores.BACKUP_CALLS, "DeleteTable"):
            return response
        if request.operation == "DeleteTable":
            if response.ok:
                with self._lock:
                    self._days.pop(request.table, None)
            return response
        if response.error == "ResourceNotFoundException":
            return request.refuse("TableNotFoundException", f"Table not found: {request.resource}")
        if not response.ok:
            return response
        if request.operation == "UpdateContinuousBackups":
            wanted = request.parameters["PointInTimeRecoverySpecification"]
            with self._lock:
                self._days[request.table] = wanted.get("RecoveryPeriodInDays", self.DEFAULT_DAYS)
        answer = response.json()
        description = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        if description.get("PointInTimeRecoveryStatus") != "ENABLED":
            return response
        with self._lock:
            description["RecoveryPeriodInDays"] = self._days.get(request.table, self.DEFAULT_DAYS)
        return response.with_json(answer)


# --- tables, streams, TTL ----------------------------------------------------------------------------


class TableUpdates(Rule):
    """After UpdateTable the table is UPDATING for a while and takes no other UpdateTable.

    API reference, API_UpdateTable: "UpdateTable is an asynchronous operation; while it's executing, the
    table status changes from ACTIVE to UPDATING. While it's UPDATING, you can't issue another UpdateTable
    request"; ResourceInUseException. And: "You receive a ValidationException if you try to enable a stream
    on a table that already has a stream".
    """

    def __init__(self, default_polls: int = 1) -> None:
        super().__init__()
        self.default_polls = default_polls
        self._left: dict[Table, int] = {}

    @override
    def reset(self) -> None:
        with self._lock:
            self._left.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("dynamodb", "UpdateTable", "DeleteTable"):
            return None
        with self._lock:
            if self._left.get(request.table, 0):
                return request.refuse(
                    "ResourceInUseException",
                    f"Attempt to change a resource which is still in use: Table is being updated: {request.resource}",
                )
        if request.parameters.get("StreamSpecification", {}).get("StreamEnabled"):
            answer = ask("DescribeTable", {"TableName": request.resource})
            if answer.ok and answer.json()["Table"].get("StreamSpecification", {}).get("StreamEnabled"):
                return request.refuse(
                    "ValidationException",
                    f"Table already has an enabled stream: TableName: {request.resource}",
                )
        return None

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if not response.ok or not request.is_call("dynamodb", "UpdateTable", "DescribeTable"):
            return response
        with self._lock:
            if request.operation == "UpdateTable":
                self._left[request.table] = self.default_polls
                updating = self.default_polls > 0
            else:
                left = self._left.pop(request.table, 0)
                updating = left > 0
                if left > 1:
                    self._left[request.table] = left - 1
        if not updating:
            return response
        member = "TableDescription" if request.operation == "UpdateTable" else "Table"
        answer = response.json()
        answer[member]["TableStatus"] = "UPDATING"
        return response.with_json(answer)


class TimeToLive(Rule):
    """TTL is enabled once: enabling it again, or disabling what is off, is an error; a change cools down.

    API reference, API_UpdateTimeToLive: "It can take up to one hour for the change to fully process. Any
    additional UpdateTimeToLive calls for the same table during this one hour duration result in a
    ValidationException." DescribeTimeToLive says ENABLING meanwhile (API_TimeToLiveDescription).
    """

    def __init__(self, default_polls: int = 1) -> None:
        super().__init__()
        self.default_polls = default_polls
        self._enabling: dict[Table, int] = {}

    @override
    def reset(self) -> None:
        with self._lock:
            self._enabling.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("dynamodb", "UpdateTimeToLive"):
            return None
        with self._lock:
            if self._enabling.get(request.table):
                return request.refuse(
                    "ValidationException",
                    "Time to live has been modified multiple times within a fixed interval",
                )
        answer = ask("DescribeTimeToLive", {"TableName": request.resource})
        if not answer.ok:
            return None
        is_on = answer.json()["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"
        wanted = bool(request.parameters["TimeToLiveSpecification"]["Enabled"])
        if is_on == wanted:
            state = "enabled" if wanted else "disabled"
            return request.refuse("ValidationException", f"TimeToLive is already {state}")
        return None

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if not response.ok or not request.is_call("dynamodb", "UpdateTimeToLive", "DescribeTimeToLive"):
            return response
        with self._lock:
            if request.operation == "UpdateTimeToLive":
                self._enabling[request.table] = self.default_polls
                return response
            left = self._enabling.pop(request.table, 0)
            if left == 0:
                return response
            if left > 1:
                self._enabling[request.table] = left - 1
        answer = response.json()
        description = answer["TimeToLiveDescription"]
        description["TimeToLiveStatus"] = {"ENABLED": "ENABLING", "DISABLED": "DISABLING"}[
            description["TimeToLiveStatus"]
        ]
        return response.with_json(answer)


# --- Kinesis destinations ----------------------------------------------------------------------------


class KinesisDestinations(Rule):
    """A Kinesis destination is ENABLING for a while, and may end ENABLE_FAILED though the call said 200.

    API reference, API_KinesisDataStreamDestination: `DestinationStatus` ENABLING, ACTIVE, ENABLE_FAILED,
    with `DestinationStatusDescription`. Developer guide, kds_gettingstarted: "the status changes to ACTIVE".
    API_EnableKinesisStreamingDestination: ResourceInUseException while one is live or on its way.
    """

    def __init__(self, default_polls: int = 1) -> None:
        super().__init__()
        self.default_polls = default_polls
        self._failing: dict[str, tuple[str, int | None]] = {}
        self._enabling: dict[tuple[str, str, str], int] = {}
        self._failed: dict[tuple[str, str, str], str] = {}

    def fail(self, table: str, reason: str, *, times: int | None = 1) -> None:
        """Let the next destinations that this table is given end ENABLE_FAILED; None: all of them."""
        with self._lock:
            self._failing[table] = (reason, times)

    @override
    def reset(self) -> None:
        with self._lock:
            self._failing.clear()
            self._enabling.clear()
            self._failed.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("dynamodb", "EnableKinesisStreamingDestination"):
            return None
        key = (*request.table, request.parameters["StreamArn"])
        with self._lock:
            if self._enabling.get(key):
                return request.refuse(
                    "ResourceInUseException",
                    f"Table is not in a valid state to enable Kinesis: {request.resource}",
                )
            failed = self._failed.pop(key, None)
        if failed:  # the emulator holds it as active; AWS lets a failed one be enabled again
            ask("DisableKinesisStreamingDestination", {"TableName": key[1], "StreamArn": key[2]})
        return None

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if not response.ok:
            return response
        if request.is_call("dynamodb", "EnableKinesisStreamingDestination"):
            key = (*request.table, request.parameters["StreamArn"])
            with self._lock:
                self._enabling[key] = self.default_polls
                reason, times = self._failing.pop(request.resource, ("", 0))
                if times != 0:
                    self._failed[key] = reason
                    self._failing[request.resource] = (reason, times and times - 1)
            return response
        if request.is_call("dynamodb", "DisableKinesisStreamingDestination"):
            key = (*request.table, request.parameters["StreamArn"])
            with self._lock:
                self._enabling.pop(key, None)
                self._failed.pop(key, None)
            return response
        if request.is_call("dynamodb", "DescribeKinesisStreamingDestination"):
            answer = response.json()
            for destination in answer["KinesisDataStreamDestinations"]:
                self._describe(request.table, destination)
            return response.with_json(answer)
        return response

    def _describe(self, table: Table, destination: dict[str, Any]) -> None:
        key = (*table, destination["StreamArn"])
        with self._lock:
            left = self._enabling.pop(key, 0)
            if left:
                destination["DestinationStatus"] = "ENABLING"
                if left > 1:
                    self._enabling[key] = left - 1
            elif key in self._failed:
                destination["DestinationStatus"] = "ENABLE_FAILED"
                destination["DestinationStatusDescription"] = self._failed[key]


# --- Lambda triggers ---------------------------------------------------------------------------------


class Triggers(Rule):
    """A stream trigger keeps all its properties, shows Lambda's defaults, and is Creating for a while.

    docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration: the members with their
    defaults (-1 retries and age, one batch per shard, an empty `OnFailure`) and `State` Creating, Enabling,
    Enabled, Disabled. ministack drops what it does not itself act upon. API_CreateEventSourceMapping there:
    ResourceConflictException (409) where the function already has a mapping of the stream.
    """

    DEFAULTS: Mapping[str, Any] = {
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 0,
        "ParallelizationFactor": 1,
        "MaximumRecordAgeInSeconds": -1,
        "BisectBatchOnFunctionError": False,
        "MaximumRetryAttempts": -1,
        "TumblingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
        "DestinationConfig": {"OnFailure": {}},
    }

    def __init__(self, default_polls: int = 0) -> None:
        super().__init__()
        self.default_polls = default_polls
        self._sent: dict[str, dict[str, Any]] = {}
        self._creating: dict[str, int] = {}
        self._pairs: dict[tuple[str, str], str] = {}  # stream and function to the mapping's UUID

    @override
    def reset(self) -> None:
        with self._lock:
            self._sent.clear()
            self._creating.clear()
            self._pairs.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.is_call("lambda", "CreateEventSourceMapping"):
            return None
        stream_arn = request.parameters.get("EventSourceArn", "")
        with self._lock:
            existing = self._pairs.get((stream_arn, _function(request.parameters["FunctionName"])))
        if existing is None:
            return None
        return request.refuse(
            "ResourceConflictException",
            f'An event source mapping with event source arn (" {stream_arn} ") and function '
            f'(" {request.parameters["FunctionName"]} ") already exists. Please update or delete the existing '
            f"mapping with UUID {existing}",
            status=409,
        )

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if request.service != "lambda" or not response.ok:
            return response
        if request.operation in ("CreateEventSourceMapping", "UpdateEventSourceMapping"):
            answer = response.json()
            with self._lock:
                sent = self._sent.setdefault(answer["UUID"], {})
                sent.update(
                    {key: request.parameters[key] for key in self.DEFAULTS if key in request.parameters}
                )
                if request.operation == "CreateEventSourceMapping":
                    self._creating[answer["UUID"]] = self.default_polls
                    pair = (answer["EventSourceArn"], _function(answer["FunctionArn"]))
                    self._pairs[pair] = answer["UUID"]
            shown = self._complete(answer)
            if request.operation == "CreateEventSourceMapping":
                shown["State"] = "Creating"
            return response.with_json(shown)
        if request.operation == "DeleteEventSourceMapping":
            with self._lock:
                self._pairs = {
                    pair: each for pair, each in self._pairs.items() if each != request.parameters["UUID"]
                }
        if request.operation == "GetEventSourceMapping":
            return response.with_json(self._shown(response.json(), request))
        if request.operation == "ListEventSourceMappings":
            answer = response.json()
            answer["EventSourceMappings"] = [
                self._shown(each, request) for each in answer["EventSourceMappings"]
            ]
            return response.with_json(answer)
        return response

    def _shown(self, mapping: dict[str, Any], request: Request) -> dict[str, Any]:
        shown = self._complete(mapping)
        with self._lock:
            left = self._creating.get(mapping["UUID"], 0)
            if left:
                shown["State"] = "Creating"
                if request.by_function:
                    self._creating[mapping["UUID"]] = left - 1
        return shown

    def _complete(self, mapping: dict[str, Any]) -> dict[str, Any]:
        if "/stream/" not in mapping.get("EventSourceArn", ""):
            return mapping
        with self._lock:
            sent = self._sent.get(mapping["UUID"])
        if sent is None:  # made past this gateway
            sent = {key: mapping[key] for key in self.DEFAULTS if key in mapping}
        return {**mapping, **self.DEFAULTS, **sent}


def _function(name_or_arn: str) -> str:
    """A function with its alias or version, by whichever name it was given."""
    return name_or_arn.rpartition(":function:")[2]


# --- faults on demand --------------------------------------------------------------------------------


@dataclass
class Fault:
    """An error to be given in place of an answer; see `Faults.inject`."""

    operation: str
    code: str
    message: str
    times: int | None
    probability: float
    status: int
    resource: str | None
    by_function: bool | None
    after_effect: bool
    seen: int = 0
    given: int = 0
    random: random.Random = field(default_factory=random.Random)

    def strikes(self, request: Request) -> bool:
        if request.operation != self.operation or self.resource not in (None, request.resource):
            return False
        if self.by_function not in (None, request.by_function):
            return False
        self.seen += 1
        if self.times is not None and self.given >= self.times:
            return False
        if self.random.random() >= self.probability:
            return False
        self.given += 1
        return True


class Faults(Rule):
    """Errors on demand, before or after the call has taken effect.

    Developer guide, Programming.Errors: ThrottlingException and ProvisionedThroughputExceededException are
    400 and may be retried; InternalServerError is 500, and the call may or may not have taken effect.
    """

    def __init__(self) -> None:
        super().__init__()
        self._faults: list[Fault] = []

    def inject(
        self,
        operation: str,
        code: str,
        *,
        message: str = "injected by the local AWS",
        times: int | None = 1,
        probability: float = 1.0,
        seed: int = 0,
        status: int = 400,
        resource: str | None = None,
        by_function: bool | None = True,
        after_effect: bool = False,
    ) -> Fault:
        """Answer an operation with an error, so many times (None: always) or with a seeded probability.

        Strikes functions alone unless told otherwise. With `after_effect` the emulator does the work and
        only the answer is lost. The returned fault tells how often it was given.
        """
        fault = Fault(
            operation, code, message, times, probability, status, resource, by_function, after_effect,
            random=random.Random(seed),
        )  # fmt: skip
        with self._lock:
            self._faults.append(fault)
        return fault

    @override
    def reset(self) -> None:
        with self._lock:
            self._faults.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        return self._answer(request, after_effect=False)

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        return self._answer(request, after_effect=True) or response

    def _answer(self, request: Request, *, after_effect: bool) -> Response | None:
        with self._lock:
            for fault in self._faults:
                if fault.after_effect == after_effect and fault.strikes(request):
                    return request.refuse(fault.code, fault.message, status=fault.status)
        return None


# --- all of them -------------------------------------------------------------------------------------


@dataclass
class Rules:
    """All rules, as layers between the caller and the emulator, the outermost first.

    Requests pass them in this order and answers in the opposite one. So a fault that is given after the
    effect hides an answer that every other rule has already taken note of.
    """

    faults: Faults = field(default_factory=Faults)
    restores: Restores = field(default_factory=Restores)
    restore_needs_recovery: RestoreNeedsRecovery = field(default_factory=RestoreNeedsRecovery)
    recovery_not_yet_available: RecoveryNotYetAvailable = field(default_factory=RecoveryNotYetAvailable)
    recovery_period: RecoveryPeriod = field(default_factory=RecoveryPeriod)
    table_updates: TableUpdates = field(default_factory=TableUpdates)
    time_to_live: TimeToLive = field(default_factory=TimeToLive)
    kinesis_destinations: KinesisDestinations = field(default_factory=KinesisDestinations)
    triggers: Triggers = field(default_factory=Triggers)
    more: list[Rule] = field(default_factory=list)

    def all(self) -> list[Rule]:
        return [*(getattr(self, each.name) for each in fields(self) if each.name != "more"), *self.more]

    def before(self, request: Request, ask: Ask) -> Response | None:
        for rule in self.all():
            response = rule.before(request, ask) if rule.enabled else None
            if response is not None:
                return response
        return None

    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        for rule in reversed(self.all()):
            response = rule.after(request, response, ask) if rule.enabled else response
        return response

    def reset(self) -> None:
        for rule in self.all():
            rule.reset()
