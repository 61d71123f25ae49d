"""ARN patterns of policies and selections: which of them are about a table, and what they lack for another one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from dynamodb_restore.findings.finding import TableId
from dynamodb_restore.patterns import matches_policy_pattern


def lacking(patterns: Iterable[str], source: TableId, target: TableId) -> list[str]:
    """The ARNs that have to join `patterns` so that they say of `target` what they say of `source`."""
    patterns = list(patterns)
    wanted = {arn for pattern in patterns for arn in _for_target(pattern, source, target)}
    return sorted(
        arn for arn in wanted if not any(matches_policy_pattern(pattern, arn) for pattern in patterns)
    )


def as_list(value: Any) -> list[Any]:
    """The values of a policy's element, which may stand alone."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _for_target(pattern: str, source: TableId, target: TableId) -> Iterator[str]:
    """What `pattern` would be for `target` if it is about `source`: the table, its indexes or its stream."""
    if matches_policy_pattern(pattern, source.arn):
        yield target.arn
        if matches_policy_pattern(pattern, f"{source.arn}/index/any"):
            yield f"{target.arn}/*"
        return
    # `…/table/orders/index/*` is about `…/table/orders`.
    for slash in re.finditer("/", pattern):
        if matches_policy_pattern(pattern[: slash.start()], source.arn):
            yield target.arn + pattern[slash.start() :]
            return
