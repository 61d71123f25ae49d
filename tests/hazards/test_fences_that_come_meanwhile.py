"""A restore is cut over or abandoned while an invocation of replay is at work (6)."""

from __future__ import annotations

from dynamodb_restore.changes.change import Change
from dynamodb_restore.pipeline.claim import ClaimState
from tests.unit.changes.makers import Pipeline, key, message, put


def test_the_claim_is_read_again_before_each_round() -> None:
    pipeline = Pipeline()
    many: list[Change] = [put(f"{number}", n={"N": "1"}) for number in range(4100)]

    def before(operation: str, table: str) -> None:
        if (operation, table) == ("BatchWriteItem", "orders-restored") and pipeline.writes() > 2000:
            pipeline.tables.before = lambda _operation, _table: None
            pipeline.fence(ClaimState.ABANDONING)
            # The application's first write to the new table.
            pipeline.target["4099"] = {**key("4099"), "n": {"N": "of the application"}}

    pipeline.tables.before = before
    replayed = pipeline.replay(message("m1", 3, 11, many))

    assert pipeline.target["4099"]["n"] == {"N": "of the application"}
    assert replayed.retry == ["m1"]
    assert pipeline.in_doubt() == set()


def test_a_claim_that_is_taken_by_another_restore_is_not_ours() -> None:
    pipeline = Pipeline()

    def before(operation: str, table: str) -> None:
        if operation == "GetItem":
            pipeline.tables.before = lambda _operation, _table: None
            claim = pipeline.claim
            pipeline.claims.release(claim)
            pipeline.claims.take(type(claim)(**{**vars(claim), "restore_id": "restore-2"}))

    pipeline.tables.before = before

    assert pipeline.replay(message("m1", 3, 11, [put("a")])).retry == ["m1"]
    assert pipeline.target == {}
