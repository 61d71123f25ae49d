"""Indexes: compared by what they are, each difference told, and nothing built."""

from __future__ import annotations

from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.settings import indexes
from dynamodb_restore.settings.indexes import Indexes
from dynamodb_restore.settings.setting import Difference, Overrides, State, Table
from tests.unit.builders import make_table, portable
from tests.unit.fakes import Aws


def index(*keys: str, projection: str = "ALL", status: str = "ACTIVE") -> dict[str, Any]:
    """A secondary index as `Indexes.read` gives it."""
    schema = [
        {"AttributeName": name, "KeyType": kind} for name, kind in zip(keys, ("HASH", "RANGE"), strict=False)
    ]
    return {"shape": {"KeySchema": schema, "Projection": {"ProjectionType": projection}}, "status": status}


def state(**of: Any) -> State:
    kinds = {kind: of.get(kind, {}) for kind in ("global", "local", "vector")}
    return {"indexes": kinds, "unknown": of.get("unknown", []), "chosen": of.get("chosen", [])}


def differs(source: State, target: State) -> Difference:
    return Indexes().diff(source, target)


BY_CUSTOMER = index("customer", "placed_at")
MISSING = "global index by-customer (customer HASH, placed_at RANGE; projects ALL) is not on the target"


def test_one_that_was_not_restored_is_told_with_what_to_do() -> None:
    difference = differs(state(**{"global": {"by-customer": BY_CUSTOMER}}), state())
    assert difference == Difference(omitted=(f"{MISSING}: add it with UpdateTable",))


def test_a_local_one_cannot_be_added_later() -> None:
    (line,) = differs(state(local={"by-date": index("id", "date")}), state()).omitted
    assert line.endswith("it can only be made together with its table: restore once more, with this index")


def test_what_the_call_chose_is_told_and_is_not_left_out() -> None:
    difference = differs(state(**{"global": {"by-customer": BY_CUSTOMER}}), state(chosen=["global"]))
    assert difference == Difference(chosen=(f"{MISSING}; the restore call chose its indexes",))


def test_a_choice_of_global_ones_says_nothing_of_local_ones() -> None:
    difference = differs(state(local={"by-date": index("id", "date")}), state(chosen=["global"]))
    assert (len(difference.omitted), difference.chosen) == (1, ())


def test_another_name_is_the_same_index() -> None:
    source = state(**{"global": {"by-customer": BY_CUSTOMER}})
    difference = differs(source, state(**{"global": {"customers": BY_CUSTOMER}}))
    assert difference == Difference(
        conflicts=("global index by-customer is called customers on the target: queries name the index",)
    )


def test_of_several_alike_each_has_its_own() -> None:
    source = state(**{"global": {"a": BY_CUSTOMER, "b": BY_CUSTOMER}})
    assert differs(source, state(**{"global": {"b": BY_CUSTOMER, "a": BY_CUSTOMER}})) == Difference()
    lines = differs(source, state(**{"global": {"b": BY_CUSTOMER}})).omitted
    assert [line.split()[2] for line in lines] == ["a"]


@pytest.mark.parametrize("other", [index("customer"), index("customer", "placed_at", projection="KEYS_ONLY")])
def test_one_of_the_same_name_that_is_another_is_told_on_both_sides(other: dict[str, Any]) -> None:
    source = state(**{"global": {"by-customer": BY_CUSTOMER}})
    difference = differs(source, state(**{"global": {"by-customer": other}}))
    assert difference.omitted == (f"{MISSING}: add it with UpdateTable",)
    (line,) = difference.conflicts
    assert line.startswith("the target has a global index by-customer (customer HASH")


@pytest.mark.parametrize("status", ["CREATING", "BACKFILLING"])
def test_one_that_is_still_being_built_is_told(status: str) -> None:
    source = state(**{"global": {"by-customer": BY_CUSTOMER}})
    building = {**BY_CUSTOMER, "status": status}
    (line,) = differs(source, state(**{"global": {"by-customer": building}})).omitted
    assert line == (
        f"global index by-customer of the target is {status}: wait until it is ACTIVE before it is queried"
    )


@pytest.mark.parametrize("unknown", ["source", "target"])
def test_vector_indexes_that_the_sdk_does_not_know_are_not_said_to_be_equal(unknown: str) -> None:
    sides = {"source": state(), "target": state()} | {unknown: state(unknown=["vector"])}
    difference = differs(sides["source"], sides["target"])
    assert difference == Difference(
        chosen=("vector indexes were not compared: the AWS SDK of this Lambda runtime does not know them",)
    )


def test_a_vector_index_that_is_missing_is_told() -> None:
    vector = {
        "shape": {"VectorAttribute": {"AttributeName": "v"}, "Dimensions": 3, "DistanceFunction": "COSINE"},
        "status": "ACTIVE",
    }
    (line,) = differs(state(vector={"near": vector}), state()).omitted
    assert line == "vector index near (3 dimensions, COSINE) is not on the target: add it with UpdateTable"


def test_they_are_read_from_the_description_alone(
    aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_table(clients, "orders", indexes=["by-customer"])
    calls = len(aws.calls)
    found = portable(Indexes(), Table("orders", clients, overrides=Overrides(indexes=("local",))))
    assert found == state(**{"global": {"by-customer": index("customer")}}, chosen=["local"])
    assert len(aws.calls) - calls == 1
    monkeypatch.setattr(indexes, "knows_vector_indexes", lambda dynamodb: False)
    assert portable(Indexes(), Table("orders", clients))["unknown"] == ["vector"]


def test_the_order_of_projected_attributes_means_nothing() -> None:
    def including(*names: str) -> dict[str, Any]:
        return {
            "IndexName": "i",
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(names)},
        }

    assert indexes._shape(including("a", "b")) == indexes._shape(including("b", "a"))
