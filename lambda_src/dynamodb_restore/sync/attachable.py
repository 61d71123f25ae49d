"""What may be attached to a restored table: functions and Kinesis streams.

Whoever may restore a table into a name of their choice gets what is attached to its source attached to a table that they can
write to. So they can feed the functions and the streams of production with items of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dynamodb_restore.patterns import matches_any
from dynamodb_restore.settings.setting import Difference, State


@dataclass(frozen=True)
class Attachable:
    """What may be attached to a restored table.

    Attributes:
        functions, kinesis_streams: patterns of names in the target's account, or of ARNs, with `*` for any run of characters.
    """

    functions: Sequence[str] = ("*",)
    kinesis_streams: Sequence[str] = ("*",)


ANYTHING = Attachable()
"""Whatever is attached to the source."""


_FUNCTION = re.compile(r"arn:[^:]+:lambda:[^:]+:(?P<account>\d{12}):function:(?P<name>[^:]+)(:[^:]+)?")
_STREAM = re.compile(r"arn:[^:]+:kinesis:[^:]+:(?P<account>\d{12}):stream/(?P<name>.+)")


def without_refused(difference: Difference, attachable: Attachable, account: str) -> Difference:
    """A difference without the steps that would attach what no pattern admits, which are told as left out.

    Args:
        account: the target's; a pattern that is no ARN admits names of this account alone.
    """
    kept, omitted = [], list(difference.omitted)
    for step in difference.steps:
        refused = _refused(step.payload, attachable, account)
        if refused is None:
            kept.append(step)
        else:
            omitted.append(f"{step.summary}: {refused}")
    return replace(difference, steps=tuple(kept), omitted=tuple(omitted))


def _refused(payload: State, attachable: Attachable, account: str) -> str | None:
    """Why a step may not be taken; None where it may."""
    for key, arn_of, patterns, name in (
        ("function_arn", _FUNCTION, attachable.functions, "functions"),
        ("stream_arn", _STREAM, attachable.kinesis_streams, "kinesis_streams"),
    ):
        arn = payload.get(key)
        if isinstance(arn, str) and not _admits(patterns, arn, arn_of, account):
            return f"no pattern of attachable.{name} admits it"
    return None


def _admits(patterns: Sequence[str], arn: str, arn_of: re.Pattern[str], account: str) -> bool:
    if "*" in patterns or matches_any([pattern for pattern in patterns if pattern.startswith("arn:")], arn):
        return True
    told = arn_of.fullmatch(arn)
    names = [pattern for pattern in patterns if not pattern.startswith("arn:")]
    return told is not None and told["account"] == account and matches_any(names, told["name"])
