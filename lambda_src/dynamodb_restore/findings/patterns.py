"""ARN patterns of policies and selections: which of them are about a table, and what they lack for another one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from dynamodb_restore.findings.finding import TableId

_PIECE = re.compile(r"\$\{([*?$])\}|\$\{[^}]*\}|\*|\?|[^*?$]+|\$")
"""What a pattern is made of: an escaped wildcard, a policy variable, a wildcard, plain text
(docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html)."""


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern matches, as IAM does it: `*` is any characters, slashes too, `?` is one
    (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html).

    A policy variable is taken for `*`: its value is known only when somebody calls.
    """
    return _compiled(pattern).fullmatch(text) is not None


def lacking(patterns: Iterable[str], source: TableId, target: TableId) -> list[str]:
    """The ARNs that have to join `patterns` so that they say of `target` what they say of `source`."""
    patterns = list(patterns)
    wanted = {arn for pattern in patterns for arn in _for_target(pattern, source, target)}
    return sorted(arn for arn in wanted if not any(matches(pattern, arn) for pattern in patterns))


def as_list(value: Any) -> list[Any]:
    """The values of a policy's element, which may stand alone."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(map(_regex, _PIECE.finditer(pattern))), re.DOTALL)


def _regex(piece: re.Match[str]) -> str:
    if piece[1]:
        return re.escape(piece[1])
    if piece[0] == "*" or piece[0].startswith("${"):
        return ".*"
    return "." if piece[0] == "?" else re.escape(piece[0])


def _for_target(pattern: str, source: TableId, target: TableId) -> Iterator[str]:
    """What `pattern` would be for `target` if it is about `source`: the table, its indexes or its stream."""
    if matches(pattern, source.arn):
        yield target.arn
        if matches(pattern, f"{source.arn}/index/any"):
            yield f"{target.arn}/*"
        return
    # `…/table/orders/index/*` is about `…/table/orders`.
    for slash in re.finditer("/", pattern):
        if matches(pattern[: slash.start()], source.arn):
            yield target.arn + pattern[slash.start() :]
            return
