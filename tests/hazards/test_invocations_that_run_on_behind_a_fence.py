"""An invocation of replay that runs already writes after a forced cutover, or after an abandonment.

It would put an old image over the application's first write to the new table. So the end is told only once no such
invocation can write any more: one timeout of replay, and 15 seconds for a request that is on its way. Upkeep may run for
longer than that, so it looks at the claim before each write.
"""

from __future__ import annotations

from typing import Any

import pytest

from dynamodb_restore.actions.abandon import abandon
from dynamodb_restore.pipeline.claim import ClaimState
from tests.hazards.operating import claim_of, cut_over
from tests.unit.changes.house import RESTORE_ID, House
from tests.unit.changes.makers import NOON, key, put
from tests.unit.fakes import client_error

_QUARANTINED = "1 items are in quarantine: see status, mend the cause, run repair"


def quarantined(house: House) -> None:
    house.replaying()
    house.quarantine.add(put("a"), "wrong type")


def end(house: House, action: str) -> dict[str, Any]:
    return abandon(house.actions, house.pipeline) if action == "abandon" else cut_over(house, force=True)


@pytest.mark.parametrize(("action", "fenced_at"), [("abandon", NOON), ("cutover", NOON + 10)])
def test_the_end_is_told_after_a_replay_timeout_and_15_seconds(
    house: House, action: str, fenced_at: int
) -> None:
    quarantined(house)

    def look() -> None:
        claim = house.claims.current()
        if claim is not None and claim.state is not ClaimState.REPLAYING:
            assert house.announced() == []

    house.on_nap = look
    end(house, action)

    assert house.now == fenced_at + 75
    assert len(house.announced()) == 1


def test_a_cutover_with_nothing_in_its_way_does_not_wait_for_it(house: House) -> None:
    house.replaying()

    cut_over(house)

    assert house.now == NOON + 10


@pytest.mark.parametrize("action", ["abandon", "cutover"])
def test_it_is_waited_for_outside_where_replay_may_run_for_longer_than_the_function(
    house: House, action: str
) -> None:
    house.register(replay_timeout_seconds=900)
    quarantined(house)

    answer = end(house, action)

    fenced_at = NOON + 10 if action == "cutover" else NOON
    until = "2026-11-22T12:15:25Z" if action == "cutover" else "2026-11-22T12:15:15Z"
    assert answer == {"settling_until": until, "next": f"call {action} again from then on"}
    assert claim_of(house).fenced_at == fenced_at
    assert house.announced() == []
    assert house.states() == ("Enabled", "Enabled"), "what the fence holds back is only given up at the end"

    # Asking early changes nothing; the fence is not set anew.
    house.now = NOON + 400
    assert end(house, action)["settling_until"] == until

    house.now = fenced_at + 915
    assert end(house, action)["result"] == ("synced" if action == "cutover" else "abandoned")
    assert len(house.announced()) == 1


def test_what_was_accepted_is_still_told_after_that(house: House) -> None:
    house.register(replay_timeout_seconds=900)
    quarantined(house)
    cut_over(house, accept=["quarantine"])
    house.now += 915

    # Nothing is accepted in this call: the fence is set, and there is no way back.
    report = cut_over(house)

    assert report["notes"] == [f"cut over although {_QUARANTINED} (accepted: quarantine)"]


def test_what_was_accepted_is_told_once(house: House) -> None:
    quarantined(house)
    house.shelf.refuse("plum", *[client_error("TagResource", "ThrottlingException") for _ in range(5000)])
    assert cut_over(house, accept=["quarantine"])["next"].startswith("cutover again")
    house.shelf.refuse("plum")

    report = cut_over(house, accept=["quarantine"])

    assert report["notes"] == [f"cut over although {_QUARANTINED} (accepted: quarantine)"]


def test_a_cutover_that_is_abandoned_was_fenced_since_it_began(house: House) -> None:
    house.register(replay_timeout_seconds=900)
    quarantined(house)
    cut_over(house, force=True)
    house.now = NOON + 10 + 915

    assert abandon(house.actions, house.pipeline)["result"] == "abandoned"
    assert house.now == NOON + 10 + 915


def test_an_abandonment_before_replay_has_nothing_to_wait_for(house: House) -> None:
    house.begin()

    assert "released" in abandon(house.actions, house.pipeline)
    assert house.now == NOON


@pytest.mark.parametrize("work", ["repair", "upkeep"])
def test_upkeep_writes_nothing_behind_a_fence_that_came_after_it_began(
    house: House, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    """The restore is abandoned between upkeep's read of the source and its write of the target."""
    house.replaying()
    house.clients.dynamodb.put_item(TableName="orders", Item=key("a"))
    house.quarantine.add(put("a"), "wrong type")
    house.pipeline.doubts.note(RESTORE_ID, sent_until=NOON, invocation="killed").begin([key("a")])
    answer = house.aws.answer

    def fenced_meanwhile(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> Any:
        if operation == "GetItem" and parameters["TableName"] == "orders":
            monkeypatch.setattr(house.aws, "answer", answer)
            assert house.pipeline.fence(claim_of(house), ClaimState.ABANDONING) is not None
        return answer(client, operation, parameters, otherwise)

    monkeypatch.setattr(house.aws, "answer", fenced_meanwhile)
    told = house.upkeep(work)

    assert claim_of(house).state is ClaimState.ABANDONING
    assert "Item" not in house.clients.dynamodb.get_item(TableName="orders-restored", Key=key("a"))
    if work == "repair":
        assert told == {
            "error": "the restore into orders-restored is abandoning, not replaying: look at status"
        }
    else:
        assert (told["settled"]["rewritten"], told["settled"]["left"]) == (0, 1)
    assert [doubt.keys for doubt in house.pipeline.doubts.read()] == [(key("a"),)]
