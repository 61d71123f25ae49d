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


@dataclass(frozen=True)
class Outcome:
    """How one setting ended on one target.

    Attributes:
        setting: the setting's name.
        done: what was written (in a dry run: what would be), a line each.
        conflicts: what the target has otherwise and keeps.
        omitted: what could not be carried over, each with its reason.
        reason: why it was skipped or failed.
        retryable: for a failure, whether the same attempt can succeed later with nobody doing anything.
        in_doubt: steps that a delivery planned, and of which nobody knows whether this restore carried them out: the
            delivery was interrupted, or the call got no answer. None of them is known to be lacking.
        still_open: steps that the target still lacks; None where it was not looked at. Not a part of the JSON.
    """

    setting: str
    status: Status
    done: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    reason: str | None = None
    retryable: bool = False
    in_doubt: tuple[str, ...] = ()
    still_open: tuple[str, ...] | None = field(default=None, compare=False)

    def as_json(self) -> dict[str, Any]:
        """The outcome as JSON values, for the report and the restore record."""
        return {
            "setting": self.setting,
            "status": self.status.value,
            "done": list(self.done),
            "conflicts": list(self.conflicts),
            "omitted": list(self.omitted),
            "reason": self.reason,
            "retryable": self.retryable,
            "in_doubt": list(self.in_doubt),
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
            # Records of earlier releases have none.
            in_doubt=tuple(value.get("in_doubt", ())),
        )
