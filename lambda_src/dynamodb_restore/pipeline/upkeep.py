"""Upkeep: what is looked after every few minutes, whether or not a restore owns the pipeline."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from dynamodb_restore.aws import Clients, describe_table, error_code
from dynamodb_restore.pipeline.pipeline import Pipeline
from dynamodb_restore.pipeline.registration import CaptureMode
from dynamodb_restore.pipeline.stream_check import misdirected


@dataclass(frozen=True)
class UpkeepReport:
    """What one run of upkeep found and did.

    Attributes:
        misdirected: why capture misses changes, and how to mend it; None where it does not, or need not run now.
    """

    misdirected: str | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def upkeep(clients: Clients, pipeline: Pipeline) -> UpkeepReport:
    """Look after a pipeline once. Each step may be repeated, and none relies on an earlier run.

    Raises:
        ClientError, BotoCoreError: from the calls; the next run does it all again.
    """
    return UpkeepReport(misdirected=_misdirected(clients, pipeline))


def _misdirected(clients: Clients, pipeline: Pipeline) -> str | None:
    """Why capture misses changes, where it is meant to run: always, or while a restore owns the pipeline."""
    if pipeline.registration.mode is not CaptureMode.ALWAYS and pipeline.claims.current() is None:
        return None
    try:
        mapping = pipeline.capture.describe()
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        mapping = None
    return misdirected(mapping, describe_table(clients, pipeline.source), pipeline.registration)
