"""Run all searches that are switched on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dynamodb_restore.aws import (
    CALL_SECONDS,
    AwsError,
    Clients,
    ErrorClass,
    classify,
    explain,
    was_not_answered,
)
from dynamodb_restore.findings.finding import Finding, NotCompleteError, Search, TableId, TimeLeft
from dynamodb_restore.findings.registry import SEARCHES
from dynamodb_restore.pace import Pace

_MOST_FINDINGS = 100
"""In one report, which has to fit an event of 256 KB
(docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html)."""

_RESERVE_SECONDS = 4 * CALL_SECONDS
"""Left when the search stops: one more call, telling and noting what was found, and what becomes of the message."""

NOT_COMPLETE = "not everything was looked at"
"""The name of the finding that tells why a search ended early."""

_TRIES = 3
"""Of one search, where AWS answers and asks for that. Each call has been repeated by botocore before it fails."""


def find_most(
    switches: Mapping[str, bool],
    source: TableId,
    target: TableId,
    clients: Clients,
    pace: Pace,
) -> list[Finding]:
    """`find_all` within what one report holds and what is left of the function's time."""
    time_left = TimeLeft(
        enough=lambda: pace.remaining_seconds() > _RESERVE_SECONDS,
        sleep=pace.sleep,
        seconds=lambda: -pace.remaining_seconds(),
    )
    found = find_all(switches, source, target, clients, time_left)
    more = len(found) - _MOST_FINDINGS
    if more <= 0:
        return found
    rest = Finding("findings", f"{more} more", "mend these and look again with a new restore")
    return [*found[:_MOST_FINDINGS], rest]


def find_all(
    switches: Mapping[str, bool],
    source: TableId,
    target: TableId,
    clients: Clients,
    enough_time: TimeLeft,
    searches: Sequence[Search] = SEARCHES,
) -> list[Finding]:
    """What names `source` and not `target`, search by search, each in the order of the names.

    A search that fails or runs out of time keeps what it found, and a last finding of its kind says what happened;
    the others go on.

    Args:
        switches: search to whether it is wanted; one that is not mentioned is not.
        clients: the clients of the target's region.
        enough_time: whether there is time to go on; asked before each page, or thing, that is looked at.
    """
    return [
        finding
        for search in searches
        if switches.get(search.kind, False)
        for finding in _run(search, source, target, clients, enough_time)
    ]


def _run(
    search: Search, source: TableId, target: TableId, clients: Clients, enough_time: TimeLeft
) -> Iterator[Finding]:
    found: list[Finding] = []
    trouble: str | None = None
    for _ in range(_TRIES):
        found, trouble, again = _search(search, source, target, clients, enough_time)
        if not again:
            break
    yield from sorted(found, key=lambda finding: finding.name)
    if trouble is not None:
        yield Finding(search.kind, NOT_COMPLETE, f"{trouble}; look for {source.name} there")


def _search(
    search: Search, source: TableId, target: TableId, clients: Clients, enough_time: TimeLeft
) -> tuple[list[Finding], str | None, bool]:
    """What was found, what went wrong, and whether the same search can go well."""
    found: list[Finding] = []
    try:
        # One by one, because those before an error stand.
        for finding in search.find(source, target, clients, enough_time):
            found.append(finding)  # noqa: PERF402
    except NotCompleteError as error:
        return found, str(error), False
    except AwsError as error:
        again = classify(error) is ErrorClass.RETRY and not was_not_answered(error)
        return found, explain(error), again
    return found, None, False
