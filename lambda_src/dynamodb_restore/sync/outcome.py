"""How one setting ended."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class Status(enum.Enum):
    """The four ends of a setting, and what a dry run says in place of `applied`."""

    UNCHANGED = "unchanged"
    APPLIED = "applied"
    PLANNED = "planned"
    SKIPPED = "skipped"
    FAILED = "failed"


class SwitchedBy(enum.Enum):
    """Who decided whether a setting is cloned."""

    VARIABLE = "variable"
    """The deployment's variable `settings`, or its default."""
    TAG = "tag"
    """The control tag of the source table."""
    DRILL = "drill"
    """The restore is a drill: a restore test of AWS Backup, or into a table that `drill_patterns` names."""
    OVERRIDE = "override"
    """An entry of the deployment's `overrides`."""


@dataclass(frozen=True)
class Switch:
    """Whether a setting is cloned, and who says so."""

    on: bool
    by: SwitchedBy

    def as_json(self) -> dict[str, Any]:
        """The switch as JSON values."""
        return {"on": self.on, "by": self.by.value}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Switch:
        """The switch that `as_json` wrote."""
        return cls(value["on"], SwitchedBy(value["by"]))


@dataclass(frozen=True)
class Outcome:
    """How one setting ended on one target.

    Attributes:
        setting: the setting's name.
        done: what was written (in a dry run: what would be), a line each.
        conflicts: what the target has otherwise and keeps.
        omitted: what could not be carried over, each with its reason.
        chosen: what the target has otherwise because the restore call chose so, and what else is only to be known; nothing of it
            counts as left out.
        reason: why it was skipped or failed.
        retryable: for a failure, whether the same attempt can succeed later with nobody doing anything.
        in_doubt: steps that a delivery planned, and of which nobody knows whether this restore carried them out: the
            delivery was interrupted, or the call got no answer. None of them is known to be lacking.
        held: steps that wait until an operator releases the setting, a line each; empty where nothing does.
        switch: whether the setting was to be cloned, and who said so; None where nobody keeps that.
        still_open: steps that the target still lacks; None where it was not looked at. Not a part of the JSON.
        left_out_steps: those of them that were left out, each with the setting that it lacks, or None where nothing helps. Not
            a part of the JSON.
    """

    setting: str
    status: Status
    done: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    reason: str | None = None
    retryable: bool = False
    in_doubt: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    switch: Switch | None = field(default=None, compare=False)
    still_open: tuple[str, ...] | None = field(default=None, compare=False)
    left_out_steps: Mapping[str, str | None] = field(default_factory=dict, compare=False)

    @property
    def left_out(self) -> bool:
        """Whether the source has something of this setting that the target has not, and a failure is not why."""
        if self.status is Status.FAILED:
            return False
        left = self.conflicts or self.omitted or self.held
        return bool(left) or self.switch == Switch(on=False, by=SwitchedBy.TAG)

    def as_json(self) -> dict[str, Any]:
        """The outcome as JSON values, for the report and the restore record."""
        return {
            "setting": self.setting,
            "status": self.status.value,
            "done": list(self.done),
            "conflicts": list(self.conflicts),
            "omitted": list(self.omitted),
            "chosen": list(self.chosen),
            "reason": self.reason,
            "retryable": self.retryable,
            "in_doubt": list(self.in_doubt),
            "held": list(self.held),
            "switch": self.switch.as_json() if self.switch else None,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Outcome:
        """The outcome that `as_json` wrote."""
        return cls(
            setting=value["setting"],
            status=Status(value["status"]),
            done=tuple(value["done"]),
            conflicts=tuple(value["conflicts"]),
            omitted=tuple(value["omitted"]),
            reason=value["reason"],
            retryable=value["retryable"],
            # Records of earlier releases have none of these.
            chosen=tuple(value.get("chosen", ())),
            in_doubt=tuple(value.get("in_doubt", ())),
            held=tuple(value.get("held", ())),
            switch=Switch.from_json(value["switch"]) if value.get("switch") else None,
        )
