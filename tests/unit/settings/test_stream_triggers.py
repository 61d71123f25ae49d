"""Lambda triggers of the stream, with every property that can be chosen, the falsy ones above all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.settings.setting import (
    CannotApplyError,
    Difference,
    State,
    Step,
    StepOmitted,
    Table,
)
from dynamodb_restore.settings.stream_triggers import StreamTriggers
from tests.unit.builders import carry_over, make_table, portable
from tests.unit.fakes import Aws, function_arn, table_arn

INDEX = function_arn("index")
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
FILTER = {"Filters": [{"Pattern": '{"eventName":["INSERT"]}'}]}
MAY_MISS = ", from LATEST: it may miss changes of the next minutes, until Lambda reads the stream; write a test item and see it called"
FAILURES = {"OnFailure": {"Destination": "arn:aws:sqs:eu-central-1:123456789012:failures"}}


@pytest.fixture
def source(aws: Aws, clients: Clients) -> Table:
    make_table(clients, "orders", view_type="NEW_IMAGE")
    return Table("orders", clients)


@pytest.fixture
def target(aws: Aws, clients: Clients) -> Table:
    make_table(clients, "orders-restored", view_type="NEW_IMAGE")
    return Table("orders-restored", clients)


def put_on(aws: Aws, table: Table, function: str = INDEX, **properties: Any) -> None:
    assert table.live_stream_arn is not None
    aws.triggers.put(table.live_stream_arn, function, **properties)


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"MaximumRetryAttempts": 0},
        {"MaximumRetryAttempts": 3, "BisectBatchOnFunctionError": True},
        {"BatchSize": 1},
        {"BatchSize": 10_000, "MaximumBatchingWindowInSeconds": 300},
        {"ParallelizationFactor": 10},
        {"MaximumRecordAgeInSeconds": 60},
        {"TumblingWindowInSeconds": 900},
        {"FunctionResponseTypes": ["ReportBatchItemFailures"]},
        {"FilterCriteria": FILTER},
        {"FilterCriteria": FILTER, "KMSKeyArn": KEY},
        {"DestinationConfig": FAILURES},
        {"MetricsConfig": {"Metrics": ["EventCount"]}},
    ],
    ids=lambda properties: "-".join(properties) or "defaults",
)
def test_a_property_is_carried_over(
    aws: Aws, source: Table, target: Table, properties: dict[str, Any]
) -> None:
    put_on(aws, source, **properties)
    carry_over(StreamTriggers(), source, target)
    (copy,) = (
        mapping for mapping in aws.triggers.mappings if mapping["EventSourceArn"] == target.live_stream_arn
    )
    assert {key: copy[key] for key in properties} == properties
    assert copy["FunctionArn"] == INDEX
    assert carry_over(StreamTriggers(), source, target) == Difference()


def test_falsy_values_are_sent_and_empty_objects_are_not(aws: Aws, source: Table, target: Table) -> None:
    put_on(aws, source, MaximumRetryAttempts=0, FilterCriteria={})
    carry_over(StreamTriggers(), source, target)
    assert aws.named("CreateEventSourceMapping") == [
        {
            "FunctionName": INDEX,
            "EventSourceArn": target.live_stream_arn,
            "StartingPosition": "LATEST",
            "Enabled": True,
            "BatchSize": 100,
            "MaximumBatchingWindowInSeconds": 0,
            "ParallelizationFactor": 1,
            "MaximumRecordAgeInSeconds": -1,
            "BisectBatchOnFunctionError": False,
            "MaximumRetryAttempts": 0,
            "TumblingWindowInSeconds": 0,
            "FunctionResponseTypes": [],
        }
    ]


@pytest.mark.parametrize("destination", [{}, {"OnFailure": {}}, None])
def test_no_failure_destination_is_no_failure_destination(
    aws: Aws, source: Table, target: Table, destination: Any
) -> None:
    put_on(aws, source, DestinationConfig=destination)
    put_on(aws, target, DestinationConfig={"OnFailure": {}})
    assert carry_over(StreamTriggers(), source, target) == Difference()


@pytest.mark.parametrize(
    ("state", "enabled"),
    [("Enabled", True), ("Enabling", True), ("Updating", True), ("Disabled", False), ("Disabling", False)],
)
def test_a_disabled_trigger_stays_disabled(
    aws: Aws, source: Table, target: Table, state: str, enabled: bool
) -> None:
    put_on(aws, source, State=state)
    difference = carry_over(StreamTriggers(), source, target)
    assert aws.named("CreateEventSourceMapping")[0]["Enabled"] is enabled
    suffix = MAY_MISS if enabled else " (disabled, as on the source)"
    assert [step.summary for step in difference.steps] == [f"trigger {INDEX}{suffix}"]


def test_a_trigger_whose_state_lambda_does_not_tell_gets_lambdas_default(
    aws: Aws, source: Table, target: Table
) -> None:
    put_on(aws, source, State="Creating")
    difference = carry_over(StreamTriggers(), source, target)
    assert "Enabled" not in aws.named("CreateEventSourceMapping")[0]
    assert [step.summary for step in difference.steps] == [f"trigger {INDEX}{MAY_MISS}"]


def test_a_trigger_that_is_being_deleted_is_none(aws: Aws, source: Table) -> None:
    put_on(aws, source, State="Deleting")
    assert portable(StreamTriggers(), source) == {"triggers": {}}


def test_all_pages_of_triggers_are_carried_over(aws: Aws, source: Table, target: Table) -> None:
    functions = [function_arn(name) for name in ("audit:live", "copy:7", "index", "mail", "search")]
    for function in functions:
        put_on(aws, source, function)
    carry_over(StreamTriggers(), source, target)
    assert sorted(portable(StreamTriggers(), target)["triggers"]) == functions


def test_tags_of_a_trigger_are_carried_over_without_the_reserved_ones(
    aws: Aws, source: Table, target: Table
) -> None:
    put_on(aws, source, tags={"team": "search", "aws:cloudformation:stack-name": "search"})
    carry_over(StreamTriggers(), source, target)
    assert aws.named("CreateEventSourceMapping")[0]["Tags"] == {"team": "search"}


def test_a_filter_that_may_not_be_decrypted_keeps_its_trigger_back(
    aws: Aws, source: Table, target: Table
) -> None:
    put_on(aws, source, FilterCriteria=FILTER, KMSKeyArn=KEY)
    aws.triggers.unusable_keys.add(KEY)
    assert carry_over(StreamTriggers(), source, target) == Difference(
        omitted=(f"the trigger of {INDEX}: its encrypted filter cannot be read: kms:Decrypt is not allowed",)
    )
    assert aws.writes().count("CreateEventSourceMapping") == 0


def test_a_function_that_may_not_read_the_stream_is_told_what_to_add(
    aws: Aws, source: Table, target: Table
) -> None:
    put_on(aws, source)
    aws.triggers.functions_without_access.add(INDEX)
    with pytest.raises(CannotApplyError) as caught:
        carry_over(StreamTriggers(), source, target)
    head, statement, tail = str(caught.value).partition('{"Effect"')
    assert head == f"{INDEX} may not read the target's stream; add to its execution role: "
    policy = json.JSONDecoder().raw_decode(statement + tail)[0]
    assert policy == {
        "Effect": "Allow",
        "Action": [
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
        ],
        "Resource": f"{table_arn('orders-restored')}/stream/*",
    }


def test_any_other_refusal_is_raised(aws: Aws, source: Table, target: Table) -> None:
    put_on(aws, source)
    aws.fail("CreateEventSourceMapping", "InvalidParameterValueException", "Unknown BatchSize")
    with pytest.raises(target.clients.lambda_.exceptions.ClientError, match="Unknown BatchSize"):
        carry_over(StreamTriggers(), source, target)


def test_a_target_without_a_stream_takes_no_trigger(aws: Aws, clients: Clients, source: Table) -> None:
    make_table(clients, "orders-restored")
    put_on(aws, source)
    with pytest.raises(
        StepOmitted, match="the target has no stream to attach it to; see the setting `stream`"
    ):
        carry_over(StreamTriggers(), source, Table("orders-restored", clients))


def test_a_source_without_a_stream_has_no_triggers(aws: Aws, clients: Clients) -> None:
    make_table(clients, "orders")
    assert portable(StreamTriggers(), Table("orders", clients))["triggers"] == {}
    assert aws.named("ListEventSourceMappings") == []


def trigger(enabled: bool | None = True, tags: State | None = None, **properties: Any) -> State:
    return {"triggers": {INDEX: {"enabled": enabled, "properties": properties, "tags": tags or {}}}}


def conflict(what: str) -> Difference:
    return Difference(conflicts=(f"the trigger of {INDEX} differs in {what}; the target's is kept",))


@pytest.mark.parametrize(
    ("desired", "current", "expected"),
    [
        ({"triggers": {}}, trigger(), Difference()),
        (trigger(), trigger(), Difference()),
        (trigger(BatchSize=100, MaximumRetryAttempts=-1), trigger(), Difference()),
        (trigger(MaximumRetryAttempts=0), trigger(), conflict("MaximumRetryAttempts")),
        (trigger(BatchSize=10), trigger(BatchSize=20), conflict("BatchSize")),
        (trigger(enabled=False), trigger(), conflict("Enabled")),
        (trigger(enabled=False), trigger(enabled=None), Difference()),
        (trigger(enabled=None), trigger(enabled=True), Difference()),
        (trigger(tags={"team": "search"}), trigger(), conflict("Tags")),
        (
            trigger(FilterCriteria=FILTER, DestinationConfig=FAILURES),
            trigger(),
            conflict("FilterCriteria, DestinationConfig"),
        ),
        (
            trigger(enabled=False, BatchSize=10),
            {"triggers": {}},
            Difference(
                (
                    Step(
                        f"trigger {INDEX} (disabled, as on the source)",
                        {
                            "function_arn": INDEX,
                            "trigger": {"enabled": False, "properties": {"BatchSize": 10}, "tags": {}},
                            "position": "LATEST",
                        },
                    ),
                )
            ),
        ),
    ],
)
def test_difference(desired: State, current: State, expected: Difference) -> None:
    assert StreamTriggers().diff(desired, current) == expected


def test_what_this_module_attached_itself_is_no_setting(aws: Aws, clients: Clients, source: Table) -> None:
    put_on(aws, source, function_arn("orders-capture"))
    put_on(aws, source, INDEX)
    (own,) = (found["UUID"] for found in aws.triggers.mappings if found["FunctionArn"] != INDEX)
    reading = StreamTriggers().read(Table("orders", clients, own_mappings=[own]))
    assert list(reading.state["triggers"]) == [INDEX]
