"""What the engine refuses: items that a target's index cannot hold, and a batch that has one item twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from dynamodb_restore.aws import refuses_item
from dynamodb_restore.changes.change import item_id
from tests.reference.pipeline import Pipeline
from tests.reference.tables import INDEXED, Schema, View, create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

_SCHEMA: Schema = {"pk": "B", "sk": "N"}


@pytest.mark.parametrize("view", ["NEW_IMAGE", "KEYS_ONLY"])
def test_refused_items_are_quarantined_and_the_rest_is_equal(
    make_pipeline: Callable[..., Pipeline], view: View
) -> None:
    pipeline = make_pipeline(f"refusing-{view}", _SCHEMA, view=view, items=60, index=True)
    pipeline.claim()

    pipeline.live(500, fault_rate=0.03)
    pipeline.drain()

    refused = {
        name: item
        for name, item in pipeline.contents(pipeline.source).items()
        if item.get(INDEXED, {}).keys() == {"S"}
    }
    quarantined = list(pipeline.quarantine.items())
    assert refused
    assert {item_id(item.key) for item in quarantined} == {_id_of_stored(item) for item in refused.values()}
    assert all("ValidationException: " in item.reason for item in quarantined)
    assert all("Type mismatch for Index Key" in item.reason for item in quarantined)
    assert pipeline.differences(but=list(refused)) == []
    assert not pipeline.aside.messages


def _id_of_stored(item: Mapping[str, Any]) -> str:
    return item_id({name: item[name] for name in _SCHEMA})


@pytest.mark.parametrize(
    ("table", "one", "other"),
    [
        ("two-puts", {"PutRequest": "1"}, {"PutRequest": "1"}),
        ("put-and-delete", {"PutRequest": "1"}, {"DeleteRequest": "1"}),
        ("two-spellings", {"DeleteRequest": "1.50"}, {"DeleteRequest": "15E-1"}),
        ("two-zeros", {"PutRequest": "0"}, {"PutRequest": "-0"}),
    ],
)
def test_the_engine_takes_no_batch_that_has_one_item_twice(
    dynamodb: DynamoDBClient, table: str, one: dict[str, str], other: dict[str, str]
) -> None:
    """So coalescing is not only thrift: replay could not write a batch without it."""
    create_table(dynamodb, table, {"id": "N"})
    requests: list[Any] = [_request(one), _request(other)]

    with pytest.raises(ClientError, match="duplicates") as refusal:
        dynamodb.batch_write_item(RequestItems={table: requests})

    # Nor does the answer tell which item it is: it reads like the refusal of an item.
    assert refuses_item(refusal.value)


def _request(told: Mapping[str, str]) -> dict[str, Any]:
    ((kind, number),) = told.items()
    attributes = {"id": {"N": number}}
    return {kind: {"Item": attributes} if kind == "PutRequest" else {"Key": attributes}}


def test_many_changes_of_one_item_in_one_batch_end_at_the_last(
    make_pipeline: Callable[..., Pipeline],
) -> None:
    pipeline = make_pipeline("hot", {"pk": "N"}, view="NEW_IMAGE", items=1)
    pipeline.claim()

    pipeline.writer.write(60)
    pipeline.drain()

    assert pipeline.differences() == []
