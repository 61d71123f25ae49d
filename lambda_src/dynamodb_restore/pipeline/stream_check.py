"""Whether capture reads the table's stream as it is now. What Terraform found at the last apply may no longer hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dynamodb_restore.pipeline.registration import Registration

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef
    from mypy_boto3_lambda.type_defs import EventSourceMappingConfigurationResponseTypeDef

_APPLY = "run `terraform apply` where the pipeline is configured"


def misdirected(
    mapping: EventSourceMappingConfigurationResponseTypeDef | None,
    table: TableDescriptionTypeDef | None,
    registration: Registration,
) -> str | None:
    """Why capture misses changes of the table, and how to repair it; None if there is no sign that it does.

    A stream that is switched off and on again is a new one, with an ARN of its own. The old one can be read for a day
    and gets nothing new (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html), and a mapping of it
    looks healthy. So does the mapping of a table that was deleted and created again under the same name.

    Args:
        mapping: the capture mapping, as GetEventSourceMapping shows it; None where there is none.
        table: the source table, as DescribeTable shows it; None where there is none.
    """
    source = registration.source
    if table is None:
        return f"table {source} does not exist any more: take its pipeline out of the configuration, and {_APPLY}"
    if mapping is None:
        return f"the capture mapping {registration.capture_mapping} does not exist any more: {_APPLY}"
    if not table.get("StreamSpecification", {}).get("StreamEnabled", False):
        return f"the stream of {source} is switched off: switch it on again, then {_APPLY}, for it will be a new one"
    live, read = table.get("LatestStreamArn", ""), mapping.get("EventSourceArn", "")
    if read != live:
        return f"capture reads {read}, and the stream of {source} is {live} now: {_APPLY}"
    if registration.stream_arn != live:
        return f"the pipeline is registered with {registration.stream_arn}, and the stream of {source} is {live} now: {_APPLY}"
    function = mapping.get("FunctionArn", "")
    if function != registration.capture_function:
        return f"the capture mapping invokes {function} and not {registration.capture_function}: {_APPLY}"
    if mapping.get("FilterCriteriaError"):
        return f"the filter of the capture mapping cannot be read: {_APPLY}"
    if _filters(mapping) != {_canonical(pattern) for pattern in registration.filters}:
        return f"the filter of the capture mapping is not the one that the pipeline was given: {_APPLY}"
    return None


def _filters(mapping: Mapping[str, Any]) -> set[str]:
    filters = mapping.get("FilterCriteria", {}).get("Filters", [])
    return {_canonical(each.get("Pattern", "")) for each in filters}


def _canonical(pattern: str) -> str:
    """The same text for patterns that differ in spaces and the order of keys only, which mean the same."""
    try:
        return json.dumps(json.loads(pattern), sort_keys=True)
    except ValueError:
        return pattern
