"""`{"action": "window", "table": …, "start": time, "end": time or null, "accept_present_images": false}`: choose which
changes are replayed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dynamodb_restore.actions.context import CHANGED_MEANWHILE, OperatorError, claim_of
from dynamodb_restore.changes.window import Window
from dynamodb_restore.instants import iso_of, parse_time
from dynamodb_restore.pipeline.claim import ClaimState
from dynamodb_restore.pipeline.pipeline import Pipeline


def set_window(
    pipeline: Pipeline, start: Any, end: Any, *, accept_present_images: bool = False
) -> dict[str, Any]:
    """Choose which changes are replayed, before replay has begun.

    Args:
        start: the first instant to replay, in any form that `parse_time` reads.
        end: the instant before which the last change lies; None for no end.
        accept_present_images: whether a change that has no image of its own may take what the source has now, which may
            be from after the end.

    Raises:
        OperatorError: no restore owns the pipeline, it replays already, or no change has an image from before the end.
        TimeError: not a time.
    """
    claim = claim_of(pipeline)
    if claim.state is not ClaimState.CAPTURING:
        raise OperatorError(f"the restore into {claim.target} is {claim.state.value}: its window stands")
    window = Window(
        int(parse_time(start).timestamp()),
        None if end is None else int(parse_time(end).timestamp()),
        present_images=accept_present_images,
    )
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
