"""What a person does about a replay, as the hazards need it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dynamodb_restore.actions.cutover import CutoverRequest, cutover
from dynamodb_restore.actions.status import status
from dynamodb_restore.pipeline.claim import Claim
from tests.unit.changes.house import House


def cut_over(
    house: House, *, settle_seconds: float = 10, accept: Sequence[str] = (), force: bool = False
) -> dict[str, Any]:
    """Invoke the action `cutover` once, in a function that has 300 seconds."""
    return cutover(house.actions, house.pipeline, CutoverRequest(settle_seconds, accept, force))


def codes(answer: dict[str, Any]) -> list[str]:
    """The codes of the obstacles for which a cutover was refused."""
    return [obstacle["code"] for obstacle in answer["refused"]]


def shown(house: House) -> dict[str, Any]:
    """The answer of the action `status`."""
    return status(house.actions, house.pipeline)


def shown_codes(house: House) -> list[str]:
    """The codes of the obstacles that `status` shows."""
    return [obstacle["code"] for obstacle in shown(house)["obstacles"]]


def claim_of(house: House) -> Claim:
    """The claim of the restore that owns the pipeline."""
    claim = house.claims.current()
    assert claim is not None
    return claim
