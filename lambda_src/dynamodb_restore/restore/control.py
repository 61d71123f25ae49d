"""How one restore is handled: the deployment's settings, the control tag of the source table, drills, and overrides.

Each takes precedence over the one before it: settings, tag, drill, the first override that matches.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dynamodb_restore.config import Override, Polling, WorkerConfig
from dynamodb_restore.patterns import matches, matches_any
from dynamodb_restore.settings.setting import State
from dynamodb_restore.settings.tags import Tags
from dynamodb_restore.sync.attachable import Attachable
from dynamodb_restore.sync.outcome import SwitchedBy

OPT_OUT = "off"
"""The value of the control tag that asks not to be followed."""


@dataclass(frozen=True)
class Treatment:
    """How one restore is treated.

    Attributes:
        switches: setting name to whether it is cloned.
        choices: who decided about a switch, where it was not the deployment's variable.
        left_alone: why the restore is not followed; None where it is.
        replay: whether it may claim the source's pipeline.
        notify: whether the notification topic hears of it.
        notes: what a person should know about how this came about.
        attachable: which functions and streams may be attached to the target.
        held: settings that wait until an operator releases them.
    """

    switches: Mapping[str, bool]
    polling: Polling
    left_alone: str | None = None
    replay: bool = True
    notify: bool = True
    notes: tuple[str, ...] = ()
    choices: Mapping[str, SwitchedBy] = field(default_factory=dict)
    attachable: Attachable = field(default_factory=Attachable)
    held: Collection[str] = ()

    def releasing(self, settings: Collection[str]) -> Treatment:
        """The same once an operator has released these settings."""
        return replace(self, held=[name for name in self.held if name not in settings])

    def applies(self, setting: str) -> bool:
        """Whether a setting is cloned by itself, without an operator."""
        return self.switches.get(setting, False) and setting not in self.held

    def switched_by(self, setting: str) -> SwitchedBy:
        """Who decided whether a setting is cloned."""
        return self.choices.get(setting, SwitchedBy.VARIABLE)


def treatment(
    config: WorkerConfig,
    source: str,
    target: str,
    choice: str | None,
    *,
    requested_by: str = "",
    by_terraform: bool = False,
    restore_test: bool = False,
) -> Treatment:
    """Decide how the restore of `source` into `target` is treated.

    Args:
        choice: the value of the control tag on the source table; None where it has none.
        requested_by: who made the restore call, as its event tells; empty where nothing tells that can be believed.
        by_terraform: whether Terraform made the restore call.
        restore_test: whether it is a test of AWS Backup's restore testing.
    """
    result = _chosen(config, choice)
    drill = restore_test or matches_any(config.drills.targets, target)
    if drill:
        result = _drilled(result, config.drills.keeps)
    for number, override in enumerate(config.overrides, start=1):
        tables = matches(override.source, source) and matches(override.target, target)
        if tables and matches(override.requested_by, requested_by):
            # An override for all targets of a source does not apply to drills.
            meant = not drill or override.target != "*"
            result = _overridden(result, override if meant else replace(override, settings={}), number)
            break
    if drill and result.left_alone is None and not any(result.switches.values()):
        return replace(result, left_alone="it is a drill, and nothing that drills get is on")
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
        config,
        request.get("source", ""),
        request.get("target", ""),
        choice_of(config.control_tag, kept),
        requested_by=request.get("requested_by", ""),
        restore_test=request.get("restore_test", False),
    )


def choice_of(control_tag: str | None, kept: Mapping[str, State]) -> str | None:
    """What the source chose by its control tag, if its tags are among the portable states that are known."""
    tags: Mapping[str, str] = kept.get(Tags.name, {}).get("tags", {})
    return tags.get(control_tag) if control_tag else None


def _drilled(base: Treatment, keeps: Collection[str]) -> Treatment:
    """What a drill gets. It takes no change pipeline from a real restore."""
    switches = {name: on and name in keeps for name, on in base.switches.items()}
    off = [name for name, on in base.switches.items() if on and not switches[name]]
    return replace(
        base,
        switches=switches,
        choices={**base.choices, **dict.fromkeys(off, SwitchedBy.DRILL)},
        replay=False,
    )


def _overridden(base: Treatment, override: Override, number: int) -> Treatment:
    entry = f"entry {number} of overrides ({override.source} into {override.target})"
    return replace(
        base,
        switches={**base.switches, **override.settings},
        choices={**base.choices, **dict.fromkeys(override.settings, SwitchedBy.OVERRIDE)},
        polling=override.polling,
        left_alone=base.left_alone if override.follow else f"{entry} says so",
        replay=base.replay and override.replay,
        notify=override.notify,
        held=override.hold,
    )


def _chosen(config: WorkerConfig, choice: str | None) -> Treatment:
    """The deployment's settings with what the tag's value changes about them."""
    base = Treatment(dict(config.switches), config.polling, attachable=config.attachable)
    words = (choice or "").split()
    if not words:
        return base
    if words == [OPT_OUT]:
        return _opted_out(base, config)
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
    return _by_tag(base, config, wanted)


def _opted_out(base: Treatment, config: WorkerConfig) -> Treatment:
    """How a restore is handled if the tag of its source is `off`: only what the tag cannot change is cloned."""
    chosen = _by_tag(base, config, dict.fromkeys(config.switches, False))
    reason = f"the source's tag {config.control_tag} is {OPT_OUT!r}"
    if not any(chosen.switches.values()):
        return replace(base, left_alone=reason)
    kept = _named(name for name, on in chosen.switches.items() if on)
    note = f"{reason}: only what it does not decide is cloned, {kept} (control_tag_excludes)"
    return replace(chosen, replay=False, notes=(note,))


def _by_tag(base: Treatment, config: WorkerConfig, wanted: Mapping[str, bool]) -> Treatment:
    """The deployment's settings with what the tag asks for, as far as it is the tag's to decide.

    Args:
        wanted: setting name to whether the tag wants it.
    """
    changes = {name: on for name, on in wanted.items() if on != base.switches[name]}
    excluded = [name for name in changes if name in config.control_tag_excludes]
    # The roles may only do what the deployment switches on somewhere.
    permitted = {name for name, on in config.switches.items() if on}
    permitted.update(name for override in config.overrides for name, on in override.settings.items() if on)
    refused = [name for name, on in changes.items() if on and name not in (*permitted, *excluded)]
    chosen = {name: on for name, on in changes.items() if name not in (*excluded, *refused)}
    tag = f"the source's tag {config.control_tag}"
    notes = [f"{tag} asks for {name}, which this deployment switches off" for name in sorted(refused)]
    if excluded:
        notes.append(f"{tag} does not decide about {_named(excluded)} (control_tag_excludes)")
    return replace(
        base,
        switches={**base.switches, **chosen},
        choices=dict.fromkeys(chosen, SwitchedBy.TAG),
        notes=tuple(notes),
    )


def _named(settings: Iterable[str]) -> str:
    return ", ".join(sorted(settings))
