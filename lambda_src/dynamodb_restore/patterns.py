"""Patterns of names and ARNs: the one way in which they are matched, wherever a pattern comes from.

It is IAM's: `*` stands for any run of characters, none and slashes included, `?` for exactly one
(docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html). So what a pattern of this module's
variables follows is what the statements that are made of it permit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_WILDCARD = re.compile(r"\*|\?|[^*?]+")
_WILDCARD_OR_VARIABLE = re.compile(r"\$\{([*?$])\}|\$\{[^}]*\}|\*|\?|[^*?$]+|\$")
"""What a policy's pattern is made of: an escaped wildcard, a policy variable, a wildcard, plain text
(docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html)."""


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern stands for all of `text`, upper and lower case told apart."""
    return _compiled(pattern).fullmatch(text) is not None


def matches_any(patterns: Iterable[str], text: str) -> bool:
    """Whether one of the patterns stands for all of `text`."""
    return any(matches(pattern, text) for pattern in patterns)


def matches_policy_pattern(pattern: str, text: str) -> bool:
    """The same for a pattern of a policy. `${*}`, `${?}` and `${$}` are plain characters there, and any other policy variable is
    taken for `*`: its value is known only when somebody calls."""
    return _compiled_policy_pattern(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_expression(piece[0]) for piece in _WILDCARD.finditer(pattern)), re.DOTALL)


@lru_cache(maxsize=4096)
def _compiled_policy_pattern(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(map(_policy_expression, _WILDCARD_OR_VARIABLE.finditer(pattern))), re.DOTALL)


def _expression(piece: str) -> str:
    """The regular expression of a wildcard, or of plain text."""
    if piece == "*":
        return ".*"
    return "." if piece == "?" else re.escape(piece)


def _policy_expression(piece: re.Match[str]) -> str:
    if piece[1]:
        return re.escape(piece[1])
    return ".*" if piece[0].startswith("${") else _expression(piece[0])
