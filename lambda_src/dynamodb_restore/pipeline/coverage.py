"""The time from which every change of a source is, or will be, in the buffer."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from dynamodb_restore.pipeline.mapping import (
    STREAM_RETENTION,
    certainly_read_from,
    mapping_state,
    stream_made_at,
)
from dynamodb_restore.pipeline.retention import BUFFER_RETENTION

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import EventSourceMappingConfigurationResponseTypeDef


def covered_from(
    now: datetime,
    mapping: EventSourceMappingConfigurationResponseTypeDef,
    misdirected: str | None,
    *,
    since: int | None,
    consumed_until: int | None,
) -> int:
    """From when on every change is covered where capture goes on from now on, epoch seconds.

    Args:
        mapping: capture's, as Lambda has it now.
        misdirected: why it does not read every change; None where it does.
        since: the first change that was captured without a pause, where capture always runs; None where it does not, or that is
            not known.
        consumed_until: up to when changes went into an earlier restore, and are in the buffer no more.
    """
    starts = [consumed_until or 0, still_covered_from(now, mapping, misdirected)]
    if since is not None and since < int((now - STREAM_RETENTION).timestamp()):
        return max(*starts, since, certainly_read_from(mapping_state("capture", mapping).modified_at))
    starts.append(certainly_read_from(now.timestamp()))
    return max(starts)


def still_covered_from(
    now: datetime, mapping: EventSourceMappingConfigurationResponseTypeDef, misdirected: str | None
) -> int:
    """From when on what was captured can still be had, epoch seconds: the stream was there, and the buffer keeps it.

    If capture does not read the live stream, nothing is captured until that is repaired.
    """
    if misdirected is not None:
        return int(now.timestamp())
    return max(stream_made_at(mapping), int((now - BUFFER_RETENTION).timestamp()))
