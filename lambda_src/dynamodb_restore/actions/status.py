"""`{"action": "status", "table": …}`: how the replay of a table's changes stands."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from dynamodb_restore.actions.action import SOURCE_TABLE, Action
from dynamodb_restore.actions.context import ActionContext
from dynamodb_restore.actions.permissions import LOOK_AT_REPLAY
from dynamodb_restore.actions.window import shown_window
from dynamodb_restore.changes.progress import Progress
from dynamodb_restore.instants import iso, iso_of
from dynamodb_restore.pipeline.buffer import Depth
from dynamodb_restore.pipeline.claim import Claim, ClaimState
from dynamodb_restore.pipeline.discarded import Discarded
from dynamodb_restore.pipeline.not_captured import not_captured_reason
from dynamodb_restore.pipeline.obstacles import Obstacle
from dynamodb_restore.pipeline.pipeline import Pipeline
from dynamodb_restore.pipeline.standing import Standing
from dynamodb_restore.restore.report import held

_SHOWN_KEYS = 20


def status(context: ActionContext, pipeline: Pipeline) -> dict[str, Any]:
    """How the replay into the target of `pipeline` stands; docs/changes.md#status documents each field.

    Raises:
        ClientError, BotoCoreError: from the calls.
    """
    claim = pipeline.claims.current()
    if claim is None:
        captured, _ = pipeline.progress()
        mapping = pipeline.capture.describe().get("State", "unknown")
        answer = _pipeline(pipeline, "idle", captured, mapping, pipeline.buffer.depth())
        left = pipeline.buffer.set_aside()
        idle = "nothing: capture begins when a restore is requested"
        return {**answer, "undecodable_bundles": left, "next": idle}
    record = context.record(claim)
    refused = list(islice(pipeline.quarantine(claim).items(), _SHOWN_KEYS + 1))
    standing = pipeline.standing(claim)
    obstacles = standing.obstacles()
    return {
        **_pipeline(pipeline, claim.state.value, standing.captured, standing.capture.state, standing.depth),
        "undecodable_bundles": standing.set_aside,
        "target": claim.target,
        "restore_id": claim.restore_id,
        "claimed_at": iso(claim.claimed_at),
        "window": shown_window(claim.window),
        "gap_seconds": claim.gap_seconds,
        "replay": {
            "mapping": standing.replay.state,
            "changes": standing.replayed.changes,
            "through": iso_of(_replayed_through(standing)),
            "lagging_groups": len(standing.lagging),
        },
        "given_up": _shown(standing.discarded),
        "quarantined": [{"key": item.key, "reason": item.reason} for item in refused[:_SHOWN_KEYS]],
        "more_quarantined": len(refused) > _SHOWN_KEYS,
        "in_doubt_until": iso_of(standing.in_doubt_until),
        "drained": standing.drained,
        "settings": [outcome.as_json() for outcome in record.outcomes] if record else [],
        "held": list(held(record.outcomes)) if record else [],
        "obstacles": [obstacle.as_json() for obstacle in obstacles],
        "next": _next(claim, obstacles),
    }


def _pipeline(
    pipeline: Pipeline, state: str, captured: Progress, mapping: str, depth: Depth
) -> dict[str, Any]:
    """What is told with and without a restore."""
    return {
        "table": pipeline.source,
        "state": state,
        "capture": {
            "mode": pipeline.registration.mode.value,
            "mapping": mapping,
            "changes": captured.changes,
            "through": iso_of(_latest(captured)),
        },
        "buffer": {"waiting": depth.waiting, "in_flight": depth.in_flight},
        "not_captured": _not_captured(pipeline),
    }


def _not_captured(pipeline: Pipeline) -> dict[str, Any] | None:
    """The last restore that the pipeline was not for; None where there is none."""
    outside = pipeline.not_captured.read()
    if outside is None:
        return None
    admitted = pipeline.registration.admits(outside.target)
    patterns = () if admitted else pipeline.registration.target_patterns
    reason = not_captured_reason(pipeline.source, outside.target, patterns)
    return {
        "target": outside.target,
        "restore_id": outside.restore_id,
        "at": iso_of(outside.at),
        "reason": reason,
    }


def _next(claim: Claim, obstacles: Sequence[Obstacle]) -> str:
    if claim.state is ClaimState.WATCHING and claim.watched is not None:
        return f"nothing: it was cut over, and capture is watched until {iso_of(claim.watched.at)}"
    if obstacles:
        return "; ".join(obstacle.reason for obstacle in obstacles)
    return "stop writing to the source, then cutover"


def _replayed_through(standing: Standing) -> int | None:
    """Epoch seconds up to which everything captured is replayed: as far as the group that lags most."""
    replayed = standing.replayed.positions
    behind = [
        replayed[group].time if group in replayed else standing.claim.window.start
        for group in standing.lagging
    ]
    return min(behind) if behind else _latest(standing.captured)


def _latest(progress: Progress) -> int | None:
    return max((position.time for position in progress.positions.values()), default=None)


def _shown(discarded: Discarded) -> dict[str, Any]:
    return {"objects": None if discarded.unknown else discarded.objects, "first": list(discarded.first)}


ACTION = Action(
    name="status",
    summary=(
        "Shows how far capture and replay are, what is in the buffer, quarantine, failure bucket or gap, and what stands in"
        " the way of cutover."
    ),
    fields=(SOURCE_TABLE,),
    permissions=LOOK_AT_REPLAY,
    run=lambda call: status(call.context, call.open_pipeline()),
)
