"""How instants are written: the one form of records, reports and logs."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(instant: datetime) -> str:
    """`2026-11-22T07:00:00Z`: how every instant is written in records, reports and logs."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def iso_of(epoch_seconds: int | None) -> str | None:
    """The same of epoch seconds; None for None."""
    return None if epoch_seconds is None else iso(datetime.fromtimestamp(epoch_seconds, UTC))
