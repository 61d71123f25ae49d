"""What a restore brings back, unless its call says otherwise: indexes, key and billing mode. None of it differs silently."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.local.support import Deployment, outcome_of
from tests.local_aws import LocalAws
from tests.local_aws.source_table import INDEX, SourceTable, delete_tables


def test_what_the_call_chose_is_told_and_not_left_out(
    aws: LocalAws, deployed: Deployment, source: SourceTable, new_target: Callable[..., str]
) -> None:
    target = new_target()
    aws.restore(source.name, target, GlobalSecondaryIndexOverride=[], BillingModeOverride="PAY_PER_REQUEST")
    report = deployed.wait_for_end(target)["report"]

    assert {"billing_mode", "indexes"}.isdisjoint(report["left_out"])
    assert outcome_of(report, "billing_mode")["chosen"] == [
        "the target is on-demand, the source provisioned with 10 reads and 10 writes a second; the restore call chose it"
    ]
    (line,) = outcome_of(report, "indexes")["chosen"]
    assert line.startswith(f"global index {INDEX} (customer HASH; projects ALL) is not on the target")
    assert line.endswith("the restore call chose its indexes")
    description = aws.clients().dynamodb.describe_table(TableName=target)["Table"]
    assert description["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_what_nobody_chose_is_left_out_where_its_setting_is_off(
    aws: LocalAws, deployed: Deployment, sessions: SourceTable, new_target: Callable[..., str]
) -> None:
    target = new_target("first-seven", source=sessions.name)
    aws.restore(sessions.name, target)
    report = deployed.wait_for_end(target)["report"]

    key_arn = aws.clients().dynamodb.describe_table(TableName=sessions.name)["Table"]["SSEDescription"][
        "KMSMasterKeyArn"
    ]
    encryption = outcome_of(report, "encryption")
    assert encryption["omitted"] == [f"encrypt with {key_arn}: not done, switched off by an override"]
    assert "encryption" in report["left_out"]
    assert "encryption" in report["summary"]
    # These came back, and nothing is said of them.
    for same in ("billing_mode", "indexes"):
        outcome = outcome_of(report, same)
        assert (outcome["status"], outcome["omitted"], outcome["chosen"]) == ("skipped", [], [])
    assert "SSEDescription" not in aws.clients().dynamodb.describe_table(TableName=target)["Table"]


@pytest.fixture
def shelves(aws: LocalAws) -> Iterator[str]:
    """A table on demand with a global, a local and a vector index."""
    dynamodb = aws.clients().dynamodb
    dynamodb.create_table(
        TableName="shelves",
        KeySchema=[
            {"AttributeName": "room", "KeyType": "HASH"},
            {"AttributeName": "shelf", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("room", "shelf", "owner")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-owner",
                "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-owner-in-room",
                "KeySchema": [
                    {"AttributeName": "room", "KeyType": "HASH"},
                    {"AttributeName": "owner", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.update_continuous_backups(
        TableName="shelves", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    aws.rules.vector_indexes.add(aws.region, "shelves", "cover", dimensions=512)
    yield "shelves"
    delete_tables(aws, ["shelves"])


def test_each_kind_of_index_is_compared(
    aws: LocalAws, deployed: Deployment, shelves: str, new_target: Callable[..., str]
) -> None:
    whole, without = new_target(source=shelves), new_target(source=shelves)
    aws.restore(shelves, whole)
    aws.restore(
        shelves,
        without,
        GlobalSecondaryIndexOverride=[],
        LocalSecondaryIndexOverride=[],
        VectorIndexOverride=[],
    )
    reports = [record["report"] for record in deployed.wait_for_ends([whole, without])]

    assert [outcome_of(report, "indexes")["status"] for report in reports] == ["unchanged", "unchanged"]
    assert outcome_of(reports[0], "indexes")["chosen"] == []
    lines = outcome_of(reports[1], "indexes")["chosen"]
    assert [line.split(" is not on the target")[0] for line in lines] == [
        "global index by-owner (owner HASH; projects ALL)",
        "local index by-owner-in-room (room HASH, owner RANGE; projects KEYS_ONLY)",
        "vector index cover (512 dimensions, COSINE)",
    ]
