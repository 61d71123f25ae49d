"""Bounds, in bytes, of what is told and noted of a restore: long lists are cut to so many lines, long lines between two
characters, and each says how much is missing.

Bytes are those of the JSON text in UTF-8, escapes included.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from dynamodb_restore.findings.finding import Finding
from dynamodb_restore.sync.outcome import Outcome

EVENT_BYTES = 240_000
"""Of one report as JSON. EventBridge takes entries of less than 256 KB, source and detail type included
(docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html)."""

TEXT_BYTES = 262_144
"""Of one notification (docs.aws.amazon.com/sns/latest/api/API_Publish.html)."""

STATES_BYTES = 250_000
REPORT_BYTES = 60_000
OUTCOMES_BYTES = 40_000
STEPS_BYTES = 30_000
FINDINGS_BYTES = 10_000
"""Of one restore record, which so stays below the 400 KB that an item may have
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html)."""

LINE_BYTES = 1_000
"""Of one line, where not everything fits."""

_MORE = re.compile(r"\.\.\. and (\d+) more")

_T = TypeVar("_T")


def json_text(value: Any) -> str:
    """JSON that spends as few bytes on other alphabets as UTF-8 does. What UTF-8 cannot write down (half a surrogate pair,
    which JSON can escape) becomes a question mark: no service takes it."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()


def json_bytes(value: Any) -> int:
    """How long a value is as JSON, in bytes."""
    return len(json_text(value).encode())


def shortened(text: str, most_bytes: int = LINE_BYTES) -> str:
    """The text, or its beginning and how much is missing, in at most so many bytes."""
    total = len(text)
    # Each character is a byte at least.
    if total <= most_bytes and json_bytes(text) <= most_bytes:
        return text

    def beginning(characters: int) -> str:
        return f"{text[:characters]}... ({total - characters} characters more)"

    return fitted(text, beginning, json_bytes, most_bytes, min(total, most_bytes))


def cut_at(text: str, most_bytes: int) -> str:
    """The text, or as much of its beginning as fits, in UTF-8, never within a character."""
    return text.encode("utf-8", "replace")[:most_bytes].decode("utf-8", "ignore")


def first_of(lines: Sequence[str], count: int) -> tuple[str, ...]:
    """The first lines, and how many more there are; lines that were cut before are counted with their number."""
    more = 0
    whole = []
    for line in lines:
        match = _MORE.fullmatch(line)
        more += int(match[1]) if match else 0
        whole += [] if match else [line]
    more += max(0, len(whole) - count)
    return (*whole[:count], *([f"... and {more} more"] if more else []))


def fitted(whole: _T, cut: Callable[[int], _T], bytes_of: Callable[[_T], int], most: int, parts: int) -> _T:
    """The whole, or the largest cut of it that fits.

    Args:
        cut: a cut to at most so many parts: characters of a text, lines of each list.
        bytes_of: its size.
        most: bytes that there are.
        parts: of the whole, or more than fit in any case.
    """
    if bytes_of(whole) <= most:
        return whole
    low, high = 0, parts
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if bytes_of(cut(middle)) <= most else (low, middle - 1)
    return cut(low)


def cut_outcome(outcome: Outcome, count: int) -> Outcome:
    """An outcome with at most so many lines of each kind, and none longer than `LINE_BYTES`."""

    def lines(of: Iterable[str]) -> tuple[str, ...]:
        return first_of([shortened(line) for line in of], count)

    return replace(
        outcome,
        done=lines(outcome.done),
        in_doubt=lines(outcome.in_doubt),
        held=lines(outcome.held),
        conflicts=lines(outcome.conflicts),
        omitted=lines(outcome.omitted),
        chosen=lines(outcome.chosen),
        reason=shortened(outcome.reason) if outcome.reason else outcome.reason,
    )


def longest_list(outcomes: Iterable[Outcome]) -> int:
    """How many lines the longest list of any outcome has."""
    return max(
        (
            len(lines)
            for outcome in outcomes
            for lines in (
                outcome.done,
                outcome.in_doubt,
                outcome.held,
                outcome.conflicts,
                outcome.omitted,
                outcome.chosen,
            )
        ),
        default=0,
    )


def fitted_outcomes(outcomes: Sequence[Outcome], most: int = OUTCOMES_BYTES) -> list[Outcome]:
    """Outcomes that fit so many bytes as JSON."""
    return fitted(
        list(outcomes),
        lambda count: [cut_outcome(outcome, count) for outcome in outcomes],
        lambda cut: json_bytes([outcome.as_json() for outcome in cut]),
        most,
        longest_list(outcomes),
    )


def fitted_findings(findings: Sequence[Finding], most: int) -> list[Finding]:
    """As many findings, from the first on, as fit so many bytes as JSON; their lines are shortened where not all do."""

    def cut(count: int) -> list[Finding]:
        return [
            replace(finding, name=shortened(finding.name), advice=shortened(finding.advice))
            for finding in findings[:count]
        ]

    def bytes_of(some: Sequence[Finding]) -> int:
        return json_bytes([finding.as_json() for finding in some])

    return fitted(list(findings), cut, bytes_of, most, len(findings))
