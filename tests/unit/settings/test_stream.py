"""The stream: its view type, and a stream that is there is kept."""

from __future__ import annotations

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.settings.setting import Difference, State, Step, Table
from dynamodb_restore.settings.stream import Stream
from tests.unit.builders import carry_over, make_table, portable
from tests.unit.fakes import Aws


@pytest.mark.parametrize("view_type", ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"])
def test_the_view_type_is_carried_over(aws: Aws, clients: Clients, view_type: str) -> None:
    make_table(clients, "orders", view_type=view_type)
    make_table(clients, "orders-restored")
    source, target = Table("orders", clients), Table("orders-restored", clients)
    carry_over(Stream(), source, target)
    assert portable(Stream(), target) == {"view_type": view_type}
    assert target.live_stream_arn is not None
    assert carry_over(Stream(), source, target) == Difference()


def test_a_stream_that_was_switched_off_is_off(aws: Aws, clients: Clients) -> None:
    make_table(clients, "orders", view_type="NEW_IMAGE")
    clients.dynamodb.update_table(TableName="orders", StreamSpecification={"StreamEnabled": False})
    source = Table("orders", clients)
    assert portable(Stream(), source) == {"view_type": None}
    assert source.live_stream_arn is None


@pytest.mark.parametrize(
    ("view_type", "status", "in_motion"),
    [
        ("NEW_IMAGE", "ACTIVE", ()),
        ("NEW_IMAGE", "UPDATING", ("the table is UPDATING",)),
        (None, "UPDATING", ()),
    ],
)
def test_a_stream_is_final_once_its_table_is_active(
    aws: Aws, clients: Clients, view_type: str | None, status: str, in_motion: tuple[str, ...]
) -> None:
    make_table(clients, "orders", view_type=view_type)
    aws.describe_as("orders", TableStatus=status)
    assert Stream().read(Table("orders", clients)).in_motion == in_motion


CONFLICT = "the target streams KEYS_ONLY and the source NEW_IMAGE; the target's stream is kept"


@pytest.mark.parametrize(
    ("wanted", "present", "expected"),
    [
        (None, None, Difference()),
        (None, "NEW_IMAGE", Difference()),
        ("NEW_IMAGE", "NEW_IMAGE", Difference()),
        (
            "NEW_IMAGE",
            None,
            Difference((Step("enable a stream of NEW_IMAGE", {"view_type": "NEW_IMAGE"}),)),
        ),
        ("NEW_IMAGE", "KEYS_ONLY", Difference(conflicts=(CONFLICT,))),
    ],
)
def test_difference(wanted: str | None, present: str | None, expected: Difference) -> None:
    desired: State = {"view_type": wanted}
    assert Stream().diff(desired, {"view_type": present}) == expected
