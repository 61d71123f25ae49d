"""What one description of the target means for a request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from dynamodb_restore.restore.reasons import ReasonCode
from dynamodb_restore.restore.waiting import Hopeless, Readiness, Ready, Skip, Wait, judge
from tests.unit.builders import REQUESTED_AT, request
from tests.unit.fakes import table_arn

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

MADE_IN_TIME = datetime(2026, 11, 22, 7, 0, 2, tzinfo=UTC)


def table(status: str, created: datetime = MADE_IN_TIME, **more: Any) -> TableDescriptionTypeDef:
    return cast(
        "TableDescriptionTypeDef",
        {"TableStatus": status, "CreationDateTime": created, "TableId": "id-1", **more},
    )


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param(table("ACTIVE"), Ready(), id="active"),
        pytest.param(table("CREATING"), Wait("orders-restored is CREATING"), id="creating"),
        pytest.param(table("UPDATING"), Wait("orders-restored is UPDATING"), id="updating"),
        pytest.param(
            table("DELETING"),
            Hopeless(ReasonCode.TARGET_GONE, "orders-restored is being deleted"),
            id="deleting",
        ),
        pytest.param(
            table("INACCESSIBLE_ENCRYPTION_CREDENTIALS"),
            Hopeless(ReasonCode.TARGET_UNUSABLE, "orders-restored is INACCESSIBLE_ENCRYPTION_CREDENTIALS"),
            id="key-gone",
        ),
        pytest.param(
            table("ARCHIVED"),
            Hopeless(ReasonCode.TARGET_UNUSABLE, "orders-restored is ARCHIVED"),
            id="archived",
        ),
        pytest.param(
            table("CREATING", RestoreSummary={"SourceTableArn": table_arn("orders")}),
            Wait("orders-restored is CREATING"),
            id="restored-from-the-source",
        ),
        pytest.param(
            table("CREATING", RestoreSummary={"SourceTableArn": table_arn("old-orders")}),
            Hopeless(
                ReasonCode.OTHER_SOURCE,
                "orders-restored is being restored from"
                " arn:aws:dynamodb:eu-central-1:123456789012:table/old-orders, not from orders",
            ),
            id="name-that-ends-alike",
        ),
        pytest.param(
            table("ACTIVE", RestoreSummary={"RestoreInProgress": False}), Ready(), id="summary-without-source"
        ),
        # CloudTrail tells whole seconds, and two services' clocks differ.
        pytest.param(
            table("ACTIVE", REQUESTED_AT - timedelta(seconds=60)), Ready(), id="clock-within-tolerance"
        ),
        pytest.param(
            table("ACTIVE", REQUESTED_AT - timedelta(seconds=61)),
            Skip(
                "orders-restored was created 2026-11-22T06:59:00Z,"
                " before the restore call of 2026-11-22T07:00:01Z"
            ),
            id="existed-before",
        ),
        pytest.param(
            table("CREATING", datetime(2024, 2, 29, tzinfo=UTC)),
            Skip(
                "orders-restored was created 2024-02-29T00:00:00Z,"
                " before the restore call of 2026-11-22T07:00:01Z"
            ),
            id="existed-long-before",
        ),
    ],
)
def test_description_decides(target: TableDescriptionTypeDef, expected: Readiness) -> None:
    assert judge(request(), target, now=REQUESTED_AT + timedelta(hours=1)) == expected


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (0, Wait("orders-restored is not visible yet")),
        (9, Wait("orders-restored is not visible yet")),
        (
            10,
            Hopeless(
                ReasonCode.TARGET_GONE,
                "orders-restored does not exist: it was deleted while it was being restored, or never made",
            ),
        ),
    ],
)
def test_a_table_that_is_not_there_may_appear_for_ten_minutes(minutes: int, expected: Readiness) -> None:
    assert judge(request(), None, now=REQUESTED_AT + timedelta(minutes=minutes)) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("id-1", Ready()),
        (None, Ready()),
        (
            "id-0",
            Hopeless(
                ReasonCode.TARGET_GONE,
                "orders-restored was deleted; the table of that name is another one now, with the id id-1",
            ),
        ),
    ],
)
def test_the_id_tells_a_table_from_its_successor(told: str | None, expected: Readiness) -> None:
    assert judge(request(target_id=told), table("ACTIVE"), now=REQUESTED_AT) == expected
