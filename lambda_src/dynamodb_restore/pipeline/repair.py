"""Repair: write what the source has now of the items that the target refused."""

from __future__ import annotations

from typing import Any

from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.quarantine import Quarantine, Quarantined
from dynamodb_restore.changes.rewrite import FencedError, rewrite
from dynamodb_restore.pace import Clock
from dynamodb_restore.pipeline.claim import Claim
from dynamodb_restore.pipeline.pipeline import Pipeline
from dynamodb_restore.pipeline.replaying import replaying_claim, require_present_images

_MOST_REFUSED = 100
"""Shown in an answer: Lambda takes 6 MB, and a key may have 3 KB
(docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""


def repair(clients: Clients, pipeline: Pipeline, clock: Clock) -> dict[str, Any]:
    """Read the quarantined items from the source again and write what it has now, as far as time allows.

    Args:
        clock: nothing is begun after its deadline.

    Returns:
        `{"repaired": count, "refused": [{"key", "reason"}, …], "more_refused": count}`, and where time ran out also
        `{"more": True, "next": "repair again"}`.

    Raises:
        NotReplayingError: no restore replays, or its window has an end.
        ClientError, BotoCoreError: what was repaired stays so; the same call can be made again.
    """
    claim = replaying_claim(pipeline)
    require_present_images(claim)
    quarantine = pipeline.quarantine(claim)
    items = list(quarantine.items())
    # In another order each time: otherwise many that are still refused would use up the time of each call, and none
    # after them would ever be tried.
    clock.rng.shuffle(items)
    repaired, refused = 0, list[dict[str, Any]]()
    for item in items:
        if clock.expired:
            return {**_answer(repaired, refused), "more": True, "next": "repair again"}
        reason = _repair_one(clients, pipeline, claim, quarantine, item, clock)
        if reason is None:
            repaired += 1
        else:
            refused.append({"key": item.key, "reason": reason})
    return _answer(repaired, refused)


def _answer(repaired: int, refused: list[dict[str, Any]]) -> dict[str, Any]:
    shown = refused[:_MOST_REFUSED]
    return {"repaired": repaired, "refused": shown, "more_refused": len(refused) - len(shown)}


def _repair_one(
    clients: Clients,
    pipeline: Pipeline,
    claim: Claim,
    quarantine: Quarantine,
    item: Quarantined,
    clock: Clock,
) -> str | None:
    """Mend one item and forget that it was refused; why not, where that failed.

    The entry is marked first: replay does not remove a marked one, so that a repair which is interrupted after its write
    is found. The key is noted as in doubt meanwhile: where the write gets no certain answer, that note stands.
    """
    if not quarantine.begin_repair(item):
        return "a later change of it was refused or taken meanwhile: look at status"
    invocation = f"repair-{clock.rng.getrandbits(64):016x}"
    note = pipeline.doubts.note(claim.restore_id, sent_until=clock.ends_at, invocation=invocation)
    note.begin([item.key])

    def holds() -> bool:
        return pipeline.claims.still_replays(claim)

    try:
        reason = rewrite(clients, pipeline.source, claim.target, item.key, clock, holds)
    except FencedError:
        # A person ended the restore meanwhile.
        note.end()
        replaying_claim(pipeline, claim.restore_id)
        raise
    note.end()
    if reason is None and not quarantine.resolve(item):
        return "a later change of it was refused meanwhile"
    return reason
