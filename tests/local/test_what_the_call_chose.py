"""What a restore brings back, unless its call says otherwise: indexes, key and billing mode. None of it differs silently."""

from __future__ import annotations

from collections.abc import Callable

from tests.local.support import Deployment, outcome_of
from tests.local_aws import LocalAws
from tests.local_aws.source_table import INDEX, SourceTable


def test_what_the_call_chose_is_told_and_not_left_out(
    aws: LocalAws, deployed: Deployment, sessions: SourceTable, new_target: Callable[..., str]
) -> None:
    target = new_target(source=sessions.name)
    aws.restore(
        sessions.name,
        target,
        GlobalSecondaryIndexOverride=[],
        BillingModeOverride="PROVISIONED",
        ProvisionedThroughputOverride={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
    )
    report = deployed.wait_for_end(target)["report"]

    assert {"billing_mode", "indexes"}.isdisjoint(report["left_out"])
    assert outcome_of(report, "billing_mode")["chosen"] == [
        "the target is provisioned with 5 reads and 5 writes a second, the source on-demand; the restore call chose it"
    ]
    (line,) = outcome_of(report, "indexes")["chosen"]
    assert line.startswith(f"global index {INDEX} (customer HASH; projects KEYS_ONLY) is not on the target")
    assert line.endswith("the restore call chose its indexes")
    # The local AWS restores into a key that AWS owns, as AWS Backup does
    # (docs.aws.amazon.com/aws-backup/latest/devguide/restoring-dynamodb.html): nobody chose that.
    assert outcome_of(report, "encryption")["status"] == "applied"
    billing = aws.clients().dynamodb.describe_table(TableName=target)["Table"]["BillingModeSummary"]
    assert billing["BillingMode"] == "PROVISIONED"


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
