"""How one restore is treated: the deployment's settings, what the source table chose by its tag, and overrides.

Each goes over the one before it: settings, tag, the first override that matches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dynamodb_restore.config import Override, Polling, WorkerConfig
from dynamodb_restore.settings.setting import State
from dynamodb_restore.settings.tags import Tags

OPT_OUT = "off"
"""The value of the control tag that asks not to be followed."""


@dataclass(frozen=True)
class Treatment:
    """How one restore is treated.

    Attributes:
        switches: setting name to whether it is cloned.
        left_alone: why the restore is not followed; None where it is.
        replay: whether it may claim the source's pipeline.
        notify: whether the notification topic hears of it.
        notes: what a person should know about how this came about.
    """

    switches: Mapping[str, bool]
    polling: Polling
    left_alone: str | None = None
    replay: bool = True
    notify: bool = True
    notes: tuple[str, ...] = ()


def treatment(
    config: WorkerConfig, source: str, target: str, choice: str | None, *, by_terraform: bool = False
) -> Treatment:
    """Decide how the restore of `source` into `target` is treated.

    Args:
        choice: the value of the control tag on the source table; None where it has none.
        by_terraform: whether Terraform made the restore call.
    """
    result = _chosen(config, choice)
    for number, override in enumerate(config.overrides, start=1):
        if matches(override.source, source) and matches(override.target, target):
            result = _overridden(result, override, number)
            break
    if by_terraform and not config.follow_terraform and result.left_alone is None:
        return replace(result, left_alone="Terraform made this table and manages its settings itself")
    return result


def treatment_on_record(
    config: WorkerConfig, request: Mapping[str, Any], kept: Mapping[str, State]
) -> Treatment:
    """How a restore on record is treated.

    Args:
        request: `RestoreRequest.as_json`.
        kept: the source's portable states on record.
    """
    return treatment(
        config, request.get("source", ""), request.get("target", ""), choice_of(config.control_tag, kept)
    )


def choice_of(control_tag: str | None, kept: Mapping[str, State]) -> str | None:
    """What the source chose by its control tag, if its tags are among the portable states that are known."""
    tags: Mapping[str, str] = kept.get(Tags.name, {}).get("tags", {})
    return tags.get(control_tag) if control_tag else None


def matches(pattern: str, name: str) -> bool:
    """Whether a table's name matches a pattern in which `*` stands for any run of characters."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), name) is not None


def matches_any(patterns: Iterable[str], name: str) -> bool:
    """Whether a table's name matches one of the patterns."""
    return any(matches(pattern, name) for pattern in patterns)


def _overridden(base: Treatment, override: Override, number: int) -> Treatment:
    entry = f"entry {number} of overrides ({override.source} into {override.target})"
    return replace(
        base,
        switches={**base.switches, **override.settings},
        polling=override.polling,
        left_alone=base.left_alone if override.follow else f"{entry} says so",
        replay=override.replay,
        notify=override.notify,
    )


def _chosen(config: WorkerConfig, choice: str | None) -> Treatment:
    """The deployment's settings with what the tag's value changes about them."""
    base = Treatment(dict(config.switches), config.polling)
    words = (choice or "").split()
    if not words:
        return base
    if words == [OPT_OUT]:
        return replace(base, left_alone=f"the source's tag {config.control_tag} is {OPT_OUT!r}")
    signed = [word for word in words if word[0] in "+-"]
    unknown = sorted({word for word in words if word.lstrip("+-") not in config.switches})
    if unknown or (signed and len(signed) != len(words)):
        why = (
            f"no such setting: {', '.join(unknown)}"
            if unknown
            else "some names have a sign and some have none"
        )
        note = (
            f"the source's tag {config.control_tag}={choice!r} was not heeded, {why}; write `{OPT_OUT}`, or names of"
            " settings with a space between them, all plain (just these) or all with + or - (these too, not these)"
        )
        return replace(base, notes=(note,))
    if signed:
        wanted = {word[1:]: word[0] == "+" for word in words}
    else:
        wanted = {name: name in words for name in config.switches}
    # The roles may only do what the deployment switches on somewhere.
    permitted = {name for name, on in config.switches.items() if on}
    permitted.update(name for override in config.overrides for name, on in override.settings.items() if on)
    refused = sorted(name for name, on in wanted.items() if on and name not in permitted)
    switches = {**base.switches, **{name: on for name, on in wanted.items() if name not in refused}}
    notes = tuple(
        f"the source's tag {config.control_tag} asks for {name}, which this deployment switches off"
        for name in refused
    )
    return replace(base, switches=switches, notes=notes)
