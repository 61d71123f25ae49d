"""A repair reads version 4; replay writes 5 and would end the quarantine; the repair writes 4 and its function dies (7)."""

from __future__ import annotations

from typing import Any

from tests.unit.changes.makers import Pipeline, key, message, put


def version(number: int) -> dict[str, Any]:
    return {**key("a"), "n": {"N": str(number)}}


def test_the_item_stays_in_quarantine_until_the_repair_ends() -> None:
    pipeline = Pipeline()
    pipeline.tables.refused = {"a"}
    pipeline.replay(message("m1", 3, 11, [put("a", n={"N": "4"})]))
    pipeline.tables.refused = set()
    (entry,) = pipeline.quarantine.items()

    assert pipeline.quarantine.begin_repair(entry)
    read_by_the_repair = version(4)
    pipeline.replay(message("m2", 3, 12, [put("a", n={"N": "5"})]))
    assert pipeline.target["a"] == version(5)
    pipeline.target["a"] = read_by_the_repair

    # Cutover is refused, and the next repair finds it.
    (left,) = pipeline.quarantine.items()
    assert left.repairing
    assert pipeline.quarantine.begin_repair(left)
    assert pipeline.quarantine.resolve(left)
    assert pipeline.quarantined() == {}


def test_what_is_refused_again_meanwhile_stays_marked() -> None:
    pipeline = Pipeline()
    pipeline.tables.refused = {"a"}
    pipeline.replay(message("m1", 3, 11, [put("a")]))
    (entry,) = pipeline.quarantine.items()
    pipeline.quarantine.begin_repair(entry)

    pipeline.replay(message("m2", 3, 12, [put("a")]))

    assert not pipeline.quarantine.resolve(entry)
    (left,) = pipeline.quarantine.items()
    assert left.repairing
