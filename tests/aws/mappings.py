"""Lambda's event source mappings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.aws.clock import VirtualClock
from tests.aws.errors import client_error
from tests.aws.names import ACCOUNT, REGION


@dataclass
class _Change:
    """A state that is being left.

    Attributes:
        looks: how many more answers show it.
        at: until when it lasts at least, on the true clock.
    """

    becomes: str
    looks: int
    at: float


@dataclass
class Mappings:
    """Mappings in the order in which they were made.

    A mapping is Creating, Enabling or Disabling before it is what was asked for; meanwhile no other change is taken
    (docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html). This takes looks, or seconds, or both.

    Attributes:
        looks_to_switch: how many answers show a mapping in the state between.
        seconds_to_switch: how long it stays there.
        pause_seconds: for how long after a change nothing may be read, although the mapping is enabled: up to 90 s, as
            Lambda's users report.
        unusable_keys: KMS keys that may not be used to read a filter.
        functions_without_access: those whose role may not read streams.
        refusals: by function, the code and the message with which its mappings are refused.
    """

    clock: VirtualClock = field(default_factory=VirtualClock)
    looks_to_switch: int = 1
    seconds_to_switch: float = 0.0
    pause_seconds: float = 0.0
    page_size: int = 2
    mappings: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    unusable_keys: set[str] = field(default_factory=set)
    functions_without_access: set[str] = field(default_factory=set)
    refusals: dict[str, tuple[str, str]] = field(default_factory=dict)
    _modified: dict[str, float] = field(default_factory=dict)
    _changes: dict[str, _Change] = field(default_factory=dict)

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "ListEventSourceMappings": self._list,
            "GetEventSourceMapping": self._get,
            "CreateEventSourceMapping": self._create,
            "UpdateEventSourceMapping": self._update,
            "ListTags": self._list_tags,
        }

    # Without a call ---------------------------------------------------------------------------------------------------

    def put(
        self, source_arn: str, function: str, *, tags: Mapping[str, str] | None = None, **properties: Any
    ) -> str:
        """Make a mapping, with what Lambda returns for one whose maker chose nothing; returns its id."""
        uuid = f"00000000-0000-4000-8000-{len(self._modified) + 1:012d}"
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{uuid}"
        mapping: dict[str, Any] = {
            "UUID": uuid,
            "EventSourceMappingArn": arn,
            "EventSourceArn": source_arn,
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
        self._modified[uuid] = self.clock.of("lambda")
        return uuid

    def of(self, uuid: str) -> dict[str, Any]:
        """A mapping as it is now; time has done its part."""
        (found,) = (mapping for mapping in self.mappings if mapping["UUID"] == uuid)
        self._settle(found)
        return found

    def modify(self, uuid: str, at: datetime) -> None:
        """Let Lambda tell that a mapping was last changed at this instant."""
        self._modified[uuid] = at.timestamp()

    def is_polling(self, uuid: str) -> bool:
        """Whether Lambda reads for it. What is being disabled may be read for a while yet."""
        paused = self.clock.of("lambda") < self._modified[uuid] + self.pause_seconds
        return bool(self.of(uuid)["State"] == "Enabled" and not paused)

    def settle(self) -> None:
        """Finish all that is being switched."""
        for mapping in self.mappings:
            if change := self._changes.pop(mapping["UUID"], None):
                mapping["State"] = change.becomes

    # Calls --------------------------------------------------------------------------------------------------------------

    def _list(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        found = [
            mapping for mapping in self.mappings if mapping["EventSourceArn"] == parameters["EventSourceArn"]
        ]
        start = int(parameters.get("Marker", "0"))
        page = found[start : start + self.page_size]
        answer: dict[str, Any] = {"EventSourceMappings": [self._look(mapping) for mapping in page]}
        if start + self.page_size < len(found):
            answer["NextMarker"] = str(start + self.page_size)
        return answer

    def _get(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        mapping = self._find("GetEventSourceMapping", parameters["UUID"])
        shown = self._look(mapping)
        if mapping.get("KMSKeyArn") in self.unusable_keys:
            error = {"ErrorCode": "KMSAccessDeniedException", "Message": "kms:Decrypt is not allowed"}
            return {**shown, "FilterCriteriaError": error}
        # This operation alone decrypts a filter.
        return {
            **shown,
            **({"FilterCriteria": mapping["FilterCriteria"]} if "FilterCriteria" in mapping else {}),
        }

    def _create(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        operation = "CreateEventSourceMapping"
        function, source_arn = parameters["FunctionName"], parameters["EventSourceArn"]
        if function in self.functions_without_access:
            raise client_error(
                operation,
                "InvalidParameterValueException",
                f"Cannot access stream {source_arn}. Please ensure the role can perform the GetRecords, "
                "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.",
            )
        if function in self.refusals:
            code, message = self.refusals[function]
            raise client_error(operation, code, message, 404 if code == "ResourceNotFoundException" else 400)
        for mapping in self.mappings:
            if (mapping["EventSourceArn"], mapping["FunctionArn"]) == (source_arn, function):
                raise client_error(
                    operation,
                    "ResourceConflictException",
                    "An event source mapping with this event source and function already exists.",
                )
        chosen = {
            key: value
            for key, value in parameters.items()
            if key not in ("FunctionName", "EventSourceArn", "Enabled", "Tags")
        }
        uuid = self.put(source_arn, function, tags=parameters.get("Tags"), **chosen)
        made = self.of(uuid)
        made["State"] = "Creating"
        becomes = "Enabled" if parameters.get("Enabled", True) else "Disabled"
        # The answer to this call shows it once more than another change's does.
        self._changes[uuid] = self._change(becomes, looks=1 + self.looks_to_switch)
        return self._look(made)

    def _update(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        operation = "UpdateEventSourceMapping"
        mapping = self._find(operation, parameters["UUID"])
        self._settle(mapping)
        if mapping["UUID"] in self._changes:
            raise client_error(
                operation,
                "ResourceInUseException",
                f"Cannot update the event source mapping because it is {mapping['State']}",
            )
        becomes = "Enabled" if parameters["Enabled"] else "Disabled"
        mapping["State"] = "Enabling" if parameters["Enabled"] else "Disabling"
        self._changes[mapping["UUID"]] = self._change(becomes, looks=self.looks_to_switch)
        self._modified[mapping["UUID"]] = self.clock.of("lambda")
        shown = self._shown(mapping)
        self._settle(mapping)
        return shown

    def _list_tags(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {"Tags": dict(self.tags[parameters["Resource"]])}

    def _find(self, operation: str, uuid: str) -> dict[str, Any]:
        for mapping in self.mappings:
            if mapping["UUID"] == uuid:
                return mapping
        raise client_error(
            operation, "ResourceNotFoundException", "The resource you requested does not exist.", 404
        )

    def _change(self, becomes: str, looks: int) -> _Change:
        return _Change(becomes, looks, self.clock.now + self.seconds_to_switch)

    def _settle(self, mapping: dict[str, Any]) -> None:
        change = self._changes.get(mapping["UUID"])
        if change is not None and change.looks <= 0 and change.at <= self.clock.now:
            mapping["State"] = change.becomes
            del self._changes[mapping["UUID"]]

    def _look(self, mapping: dict[str, Any]) -> dict[str, Any]:
        """A mapping as an answer shows it, which is one look at what it is on the way to."""
        self._settle(mapping)
        shown = self._shown(mapping)
        if change := self._changes.get(mapping["UUID"]):
            change.looks -= 1
            self._settle(mapping)
        return shown

    def _shown(self, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """As every operation but GetEventSourceMapping shows it: an encrypted filter is left out."""
        shown = {
            key: value
            for key, value in mapping.items()
            if key != "FilterCriteria" or "KMSKeyArn" not in mapping
        }
        shown["LastModified"] = datetime.fromtimestamp(self._modified[mapping["UUID"]], UTC)
        return shown
