"""Instants: how they are written in records, reports and logs, and how they are read from wherever they come."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

_CLOUDTRAIL_TIME = re.compile(
    r"(?P<day>[A-Z][a-z]{2} \d{1,2}, \d{4}),? (?P<clock>\d{1,2}:\d{2}:\d{2})\s(?P<half>[AP]M)"
)


class TimeError(ValueError):
    """A value is not a time; the text says which."""


def iso(instant: datetime) -> str:
    """`2026-11-22T07:00:00Z`: how every instant is written in records, reports and logs."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def iso_of(epoch_seconds: int | None) -> str | None:
    """The same of epoch seconds; None for None."""
    return None if epoch_seconds is None else iso(from_epoch(epoch_seconds))


def from_iso(text: str) -> datetime:
    """The instant of an ISO 8601 text, as `iso` writes it. One without an offset is in UTC.

    Raises:
        ValueError, TypeError: it is none.
    """
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def from_epoch(seconds: float) -> datetime:
    """The instant of epoch seconds.

    Raises:
        ValueError, OverflowError, OSError: no calendar goes so far.
    """
    return datetime.fromtimestamp(seconds, UTC)


def parse_time(value: Any) -> datetime:
    """An instant in any rendering that CloudTrail, an SDK or a person uses, as an aware datetime in UTC.

    Accepts epoch seconds or milliseconds (number or text), ISO 8601, and CloudTrail's
    `Nov 22, 2026, 7:00:00 AM` with or without the second comma and with any white space before AM or PM.

    Raises:
        TimeError: it is none of these.
    """
    text = str(value).strip()
    try:
        if re.fullmatch(r"\d+(\.\d+)?([eE]\+?\d+)?", text):
            seconds = float(text)
            # The year 5138 in seconds is 1973 in milliseconds: no restore lies on the wrong side of it.
            return from_epoch(seconds / 1000 if seconds >= 1e11 else seconds)
        if match := _CLOUDTRAIL_TIME.fullmatch(text):
            words = f"{match['day']} {match['clock']} {match['half']}"
            return datetime.strptime(words, "%b %d, %Y %I:%M:%S %p").replace(tzinfo=UTC)
        return from_iso(text).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise TimeError(f"not a time: {text[:100]!r}") from error


def stream_label_time(stream_arn: str) -> int:
    """When a stream was made, in epoch seconds: the label at the end of its ARN is that instant, in UTC
    (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html, LatestStreamLabel).

    Returns:
        0 where the ARN does not tell.
    """
    label = stream_arn.rpartition("/")[2]
    try:
        return int(datetime.fromisoformat(f"{label}+00:00").timestamp())
    except ValueError:
        return 0
