"""`{"action": "window", "table": …, "start": time}`: choose which changes are replayed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dynamodb_restore.actions.action import SOURCE_TABLE, Action, ActionCall
from dynamodb_restore.actions.context import CHANGED_MEANWHILE, OperatorError, claim_of
from dynamodb_restore.actions.permissions import on_records
from dynamodb_restore.changes.window import Window
from dynamodb_restore.instants import TimeError, iso_of, parse_time
from dynamodb_restore.payload import FLAG, Field, Kind, or_null
from dynamodb_restore.pipeline.claim import ClaimState
from dynamodb_restore.pipeline.pipeline import Pipeline


def set_window(
    pipeline: Pipeline, start: int, end: int | None, *, accept_present_images: bool = False
) -> dict[str, Any]:
    """Choose which changes are replayed, before replay has begun.

    Args:
        start: the first instant to replay, epoch seconds.
        end: the instant before which the last change lies, epoch seconds; None for no end.
        accept_present_images: whether a change that has no image of its own may take what the source has now, which may
            be from after the end.

    Raises:
        OperatorError: no restore owns the pipeline, it replays already, the window ends before it begins, or no change has
            an image from before the end.
    """
    claim = claim_of(pipeline)
    if claim.state is not ClaimState.CAPTURING:
        raise OperatorError(f"the restore into {claim.target} is {claim.state.value}: its window stands")
    window = Window(start, end, present_images=accept_present_images)
    if window.end is not None and window.end <= window.start:
        raise OperatorError("the window ends before it begins")
    if not (pipeline.registration.stream_has_new_images or window.takes_present_images):
        raise OperatorError(
            f"the stream of {pipeline.source} has no new images: what a change wrote could only be read from the source as it"
            ' is now, which may be from after the end; leave the end away, or send "accept_present_images": true'
        )
    if pipeline.claims.update(replace(claim, window=window, window_chosen=True)) is None:
        raise OperatorError(CHANGED_MEANWHILE)
    return {"window": shown_window(window)}


def shown_window(window: Window) -> dict[str, str | None]:
    """A window as answers show it: `{"start": instant, "end": instant or None}`."""
    return {"start": iso_of(window.start), "end": iso_of(window.end)}


def _epoch_seconds(value: Any) -> int:
    try:
        return int(parse_time(value).timestamp())
    except TimeError as error:
        raise ValueError(f"{error}; send one such as 2026-01-31T03:00:00Z") from error


_TIME = Kind("time, in ISO 8601 or epoch seconds", _epoch_seconds)


def _run(call: ActionCall) -> dict[str, Any]:
    values = call.values
    return set_window(
        call.open_pipeline(),
        values["start"],
        values["end"],
        accept_present_images=values["accept_present_images"],
    )


ACTION = Action(
    name="window",
    summary=(
        "Before replay begins: replays from another instant, or up to one. Where the stream has no new images, an end needs"
        ' `"accept_present_images": true`, for what such changes wrote is read from the source as it is when they are'
        " replayed."
    ),
    fields=(
        SOURCE_TABLE,
        Field("start", _TIME, "the first instant to replay", example="2026-01-31T03:00:00Z"),
        Field(
            "end",
            or_null(_TIME),
            "the instant before which the last change lies; null for no end",
            default=None,
            example="2026-01-31T04:30:00Z",
        ),
        Field(
            "accept_present_images",
            FLAG,
            "whether a change without a new image may take what the source has now, which may be from after the end",
            default=False,
            example=False,
        ),
    ),
    permissions=(on_records("GetItem", "PutItem"),),
    run=_run,
    in_command={"start": "START", "end": None},
)
