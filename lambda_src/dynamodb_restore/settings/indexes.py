"""Secondary indexes, global, local and vector: compared, never built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dynamodb_restore.aws import knows_vector_indexes
from dynamodb_restore.settings.catalogue import CatalogueEntry
from dynamodb_restore.settings.setting import Difference, Lane, Phase, Reading, State, Step, Table

_KINDS = {
    "global": "GlobalSecondaryIndexes",
    "local": "LocalSecondaryIndexes",
    "vector": "VectorIndexes",
}
"""Kind of index to its member of DescribeTable's answer."""

_NOT_COMPARED = "vector indexes were not compared: the AWS SDK of this Lambda runtime does not know them"

_CALL_CHOSE = "the restore call chose its indexes"

_TO_DO = {
    "global": "add it with UpdateTable",
    "local": "it can only be made together with its table: restore once more, with this index",
    "vector": "add it with UpdateTable",
}


class Indexes:
    """Portable state:

    `{"indexes": {kind: {name: {"shape": shape, "status": status}}}, "unknown": [kind], "chosen": [kind]}`

    Kinds are `global`, `local` and `vector`. A shape is all by which two indexes are the same: DescribeTable's `KeySchema` and
    `Projection` of a secondary index, and of a vector index its attribute, dimensions and the like. `unknown` has the kinds that this
    runtime's AWS SDK does not read. `chosen` has those about which the restore call decided.
    """

    name = "indexes"
    phase = Phase.ON_ACTIVE
    lane = Lane.ALONE
    catalogue = CatalogueEntry(
        default=True,
        what="compared only: what is missing, other, or still being built",
        left_alone="no index is built",
        about="""
            The global secondary, local secondary and vector indexes of source and target are compared by what they
            are: keys and projection, or vector attribute, dimensions and distance. A restore call may leave indexes
            out, and queries on them fail then. Nothing is built: an index costs what its items cost, and a local one
            comes into being with its table only.
        """,
        read="`DescribeTable`.",
        written="Nothing.",
        when="it is only looked at.",
        kept="""
            An index that has another name on the target is the same index, and the other name is told. What the
            restore call chose (`GlobalSecondaryIndexOverride`, `LocalSecondaryIndexOverride`, `VectorIndexOverride`)
            is told and does not count as left out. Vector indexes cannot be compared where the AWS SDK of the Lambda
            runtime is older than they are; that is told.
        """,
        sources=(
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_VectorIndexDescription.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html",
        ),
        kept_by_drills=True,
        compared=True,
    )

    def read(self, table: Table) -> Reading:
        description: Mapping[str, Any] = table.describe()
        indexes = {
            kind: {
                index["IndexName"]: {"shape": _shape(index), "status": _status(index)}
                for index in description.get(member, [])
            }
            for kind, member in _KINDS.items()
        }
        unknown = [] if knows_vector_indexes(table.clients.dynamodb) else ["vector"]
        return Reading({"indexes": indexes, "unknown": unknown, "chosen": list(table.overrides.indexes)})

    def diff(self, desired: State, current: State) -> Difference:
        omitted: list[str] = []
        conflicts: list[str] = []
        chosen: list[str] = []
        unknown = {*desired["unknown"], *current["unknown"]}
        for kind in _KINDS:
            if kind in unknown:
                continue
            wanted, present = desired["indexes"][kind], current["indexes"][kind]
            pairs = _pairs(wanted, present)
            missing = _missing(kind, wanted, pairs)
            if kind in current["chosen"]:
                chosen += [f"{line}; {_CALL_CHOSE}" for line in missing]
            else:
                omitted += [f"{line}: {_TO_DO[kind]}" for line in missing]
            omitted += _not_ready(kind, present)
            conflicts += _others(kind, present, pairs)
        if unknown:
            chosen.append(_NOT_COMPARED)
        return Difference(conflicts=tuple(conflicts), omitted=tuple(omitted), chosen=tuple(chosen))

    def apply(self, table: Table, step: Step) -> None:
        raise AssertionError("indexes are compared, and no difference of theirs has a step")


def _shape(index: Mapping[str, Any]) -> dict[str, Any]:
    """What an index is, without its name and its size."""
    parts = ("KeySchema", "Projection", "VectorAttribute", "SearchSchema", "Dimensions", "DistanceFunction")
    shape = {part: index[part] for part in parts if part in index}
    projection = shape.get("Projection", {})
    if "NonKeyAttributes" in projection:
        shape["Projection"] = {**projection, "NonKeyAttributes": sorted(projection["NonKeyAttributes"])}
    return shape


def _status(index: Mapping[str, Any]) -> str:
    """A local index has no status: it is there with its table."""
    return "BACKFILLING" if index.get("Backfilling") else index.get("IndexStatus", "ACTIVE")


def _pairs(wanted: State, present: State) -> dict[str, str]:
    """The indexes of the source that the target has too, each with its name there. Several may have one shape: those of one name
    are the same first."""
    pairs = {name: name for name, index in wanted.items() if _shape_of(present.get(name)) == index["shape"]}
    for name, index in sorted(wanted.items()):
        if name in pairs:
            continue
        free = sorted(present.keys() - pairs.values())
        alike = [other for other in free if present[other]["shape"] == index["shape"]]
        if alike:
            pairs[name] = alike[0]
    return pairs


def _shape_of(index: State | None) -> Any:
    return index["shape"] if index else None


def _missing(kind: str, wanted: State, pairs: Mapping[str, str]) -> list[str]:
    return [
        f"{kind} index {name} ({_words(index['shape'])}) is not on the target"
        for name, index in sorted(wanted.items())
        if name not in pairs
    ]


def _not_ready(kind: str, present: State) -> list[str]:
    return [
        f"{kind} index {name} of the target is {index['status']}: wait until it is ACTIVE before it is queried"
        for name, index in sorted(present.items())
        if index["status"] != "ACTIVE"
    ]


def _others(kind: str, present: State, pairs: Mapping[str, str]) -> list[str]:
    """A line for each index of the target that has another name there, or that the source has not."""
    renamed = [
        f"{kind} index {name} is called {other} on the target: queries name the index"
        for name, other in sorted(pairs.items())
        if name != other
    ]
    more = [
        f"the target has a {kind} index {name} ({_words(index['shape'])}), and the source has not"
        for name, index in sorted(present.items())
        if name not in pairs.values()
    ]
    return renamed + more


def _words(shape: Mapping[str, Any]) -> str:
    """What an index is, for people."""
    if "VectorAttribute" in shape:
        return f"{shape.get('Dimensions')} dimensions, {shape.get('DistanceFunction')}"
    keys = ", ".join(f"{key['AttributeName']} {key['KeyType']}" for key in shape.get("KeySchema", []))
    return f"{keys}; projects {shape.get('Projection', {}).get('ProjectionType')}"
