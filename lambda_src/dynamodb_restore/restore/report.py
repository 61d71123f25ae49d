"""The report: how one restore ended, as JSON for machines and as text for the person on call."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dynamodb_restore.codes import ExplainedCode
from dynamodb_restore.findings.finding import Finding
from dynamodb_restore.instants import iso
from dynamodb_restore.restore.bounds import (
    EVENT_BYTES,
    TEXT_BYTES,
    cut_at,
    cut_outcome,
    first_of,
    fitted,
    fitted_findings,
    json_bytes,
    longest_list,
    shortened,
)
from dynamodb_restore.sync.outcome import Outcome, Status, SwitchedBy

DETAIL_TYPE = "DynamoDB Table Restore Report"
FINDINGS_DETAIL_TYPE = "DynamoDB Table Restore Findings"
EVENT_SOURCE = "dynamodb-restore"

_SUBJECT_LENGTH = 100
"""SNS refuses a longer subject (docs.aws.amazon.com/sns/latest/api/API_Publish.html)."""


class Result(ExplainedCode):
    """How a restore ended as a whole."""

    SYNCED = (
        "synced",
        "Every setting that is switched on holds on the target, or was skipped for a stated reason.",
        "Nothing; `left_out` says what the source has and the target has not.",
    )
    INCOMPLETE = (
        "incomplete",
        "At least one setting failed for good.",
        "Each setting's `reason` says what to mend; its message is on the secondary DLQ, so redrive it then.",
    )
    FAILED = (
        "failed",
        "It was given up; what had been applied by then, `settings` tells.",
        "`reason` says why, and the message on the secondary DLQ has its code.",
    )
    SKIPPED = "skipped", "There was nothing to do for this request.", "Nothing; `reason` says why."
    REPLAYING = (
        "replaying",
        "The target is ACTIVE and receives the changes of its source.",
        "Cut over, or abandon: that is an operator's decision.",
    )
    ABANDONED = (
        "abandoned",
        "An operator ended the replay before cutover; the target stays as it was then.",
        "Nothing; a restore that is to replay again is made anew.",
    )
    DRY_RUN = (
        "dry_run",
        "Nothing was written; `done` of each setting says what would be.",
        "Run it without `dry_run`.",
    )


@dataclass(frozen=True)
class Report:
    """How one restore ended.

    Attributes:
        source, target: table names; None where the message did not tell.
        restore_id: the target's TableId, or the event's id where the target was never seen.
        requested_at, requested_by, restore_point: of the restore call; None for a direct invocation.
        finished_at: when the last setting ended.
        attempts: deliveries of the message that this took.
        reason: why it failed or was skipped as a whole.
        notes: what else a person should know, a line each.
    """

    result: Result
    source: str | None
    target: str | None
    finished_at: datetime
    attempts: int = 1
    restore_id: str | None = None
    requested_at: datetime | None = None
    requested_by: str | None = None
    restore_point: datetime | None = None
    outcomes: Sequence[Outcome] = ()
    reason: str | None = None
    notes: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """The detail of the report event; docs/report.md#fields-of-the-event documents each field."""
        return {
            "result": self.result.value,
            "summary": self.summary(),
            "left_out": list(self.left_out),
            "held": list(self.held),
            "release": self.release,
            "source": self.source,
            "target": self.target,
            "restore_id": self.restore_id,
            "restore_point": iso(self.restore_point) if self.restore_point else None,
            "requested_at": iso(self.requested_at) if self.requested_at else None,
            "requested_by": self.requested_by,
            "finished_at": iso(self.finished_at),
            "attempts": self.attempts,
            "reason": self.reason,
            "notes": list(self.notes),
            "settings": [outcome.as_json() for outcome in self.outcomes],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Report:
        """The report that `as_json` wrote."""

        def instant(name: str) -> datetime | None:
            return datetime.fromisoformat(value[name]) if value.get(name) else None

        return cls(
            Result(value["result"]),
            value["source"],
            value["target"],
            finished_at=datetime.fromisoformat(value["finished_at"]),
            attempts=value["attempts"],
            restore_id=value.get("restore_id"),
            requested_at=instant("requested_at"),
            requested_by=value.get("requested_by"),
            restore_point=instant("restore_point"),
            outcomes=tuple(Outcome.from_json(outcome) for outcome in value["settings"]),
            reason=value.get("reason"),
            notes=tuple(value.get("notes", ())),
        )

    def within(self, most_bytes: int = EVENT_BYTES) -> Report:
        """The same report in at most so many bytes as JSON: its longest lists and lines are cut, and say by how much."""
        lines = max(longest_list(self.outcomes), len(self.notes))
        return fitted(self, self._cut, lambda report: json_bytes(report.as_json()), most_bytes, lines)

    def _cut(self, count: int) -> Report:
        """The report with at most so many lines in each list."""
        return replace(
            self,
            restore_id=shortened(self.restore_id) if self.restore_id else self.restore_id,
            requested_by=shortened(self.requested_by) if self.requested_by else self.requested_by,
            reason=shortened(self.reason) if self.reason else self.reason,
            outcomes=[cut_outcome(outcome, count) for outcome in self.outcomes],
            notes=first_of([shortened(note) for note in self.notes], count),
        )

    @property
    def left_out(self) -> tuple[str, ...]:
        """Settings of which the source has something that the target has not, without a failure."""
        return tuple(outcome.setting for outcome in self.outcomes if outcome.left_out)

    @property
    def held(self) -> tuple[str, ...]:
        """Settings that wait until an operator releases them."""
        return held(self.outcomes)

    @property
    def release(self) -> str | None:
        """How to apply what is held; None where nothing is."""
        if not self.held:
            return None
        after = " once it is cut over" if self.result is Result.REPLAYING else ""
        if self.restore_id is None:
            # A direct invocation leaves no record to go by.
            return f'send the same invocation with "release":{_payload(self.held)}'
        payload = {"action": "release", "target": self.target, "settings": self.held}
        return f"invoke the operator function{after} with {_payload(payload)}"

    def summary(self) -> str:
        """The verdict in one line: the result, and what has to be known besides it."""
        return "; ".join([_HEADS[self.result], *self._counts()])

    def _counts(self) -> list[str]:
        """What there is of each kind of setting that a person should look at."""
        left_out = [o for o in self.outcomes if o.left_out and not o.held]
        whole = [o for o in left_out if o.status is Status.SKIPPED]
        in_part = [o for o in left_out if o.status is not Status.SKIPPED]
        counts = [
            _counted(self._with_status(Status.FAILED), "failed"),
            _counted(whole, "left out"),
            _counted(in_part, "left out in part"),
            _counted([o for o in self.outcomes if o.held], "held for the operator"),
            # What the restore call chose otherwise than the source has it is not "as on the source" either.
            _counted([o for o in self.outcomes if o.chosen], "with a note"),
        ]
        if self.result is Result.DRY_RUN:
            counts.insert(0, _counted(self._with_status(Status.PLANNED), "would change"))
        if self.result in (Result.FAILED, Result.SKIPPED):
            applied = [o for o in self.outcomes if o.done]
            in_doubt = [o for o in self.outcomes if o.in_doubt and not o.done]
            counts = [
                _counted(applied, "applied in part or whole"),
                _counted(in_doubt, "perhaps applied"),
                *counts,
            ]
            if not applied and not in_doubt:
                counts.insert(0, "no setting was applied")
        told = [count for count in counts if count]
        if self.result is Result.SYNCED and not told:
            return ["every setting that is switched on is as on the source"]
        return told

    def _with_status(self, status: Status) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.status is status]

    def _tables(self) -> str:
        return f"{self.source or 'unknown table'} -> {self.target or 'unknown table'}"

    def subject(self) -> str:
        """One line for a mail's subject: ASCII, within SNS's limit."""
        left_out = f", {_times(len(self.left_out), 'setting')} left out" if self.left_out else ""
        return _subject(f"DynamoDB restore {self.result.value}{left_out}: {self._tables()}")

    def text(self) -> str:
        """The report for a person: the verdict first, then a block per setting."""
        lines = [f"{self._tables()}: {self.summary()}", ""]
        if self.reason:
            lines += [_wrapped("Reason", self.reason), ""]
        if self.restore_point:
            lines.append(f"Restored to   {iso(self.restore_point)}")
        if self.requested_at:
            lines.append(f"Requested     {iso(self.requested_at)} by {self.requested_by}")
        lines.append(f"Finished      {iso(self.finished_at)} after {_times(self.attempts, 'attempt')}")
        if self.restore_id:
            lines.append(f"Restore id    {self.restore_id}")
        if self.release:
            lines += ["", _wrapped("Held", f"{', '.join(self.held)}; to apply it, {self.release}")]
        for note in self.notes:
            lines += ["", _wrapped("Note", note)]
        for outcome in self.outcomes:
            lines += ["", *_setting_lines(outcome)]
        return cut_at("\n".join(lines) + "\n", TEXT_BYTES)


@dataclass(frozen=True)
class FindingsReport:
    """What was found to name the source of a restore, and is not for us to clone. It follows the report.

    Attributes:
        source, target, restore_id: as in the report.
        more: how many were found besides those that are listed.
    """

    source: str
    target: str
    restore_id: str | None
    findings: Sequence[Finding]
    more: int = 0

    def as_json(self) -> dict[str, Any]:
        """The detail of the event; docs/report.md#findings documents each field."""
        return {
            "source": self.source,
            "target": self.target,
            "restore_id": self.restore_id,
            "findings": [finding.as_json() for finding in self.findings],
            "more": self.more,
        }

    def within(self, most_bytes: int = EVENT_BYTES) -> FindingsReport:
        """The same in at most about so many bytes as JSON; `more` says how many findings that left out."""
        listed = fitted_findings(self.findings, most_bytes)
        return replace(self, findings=listed, more=self.more + len(self.findings) - len(listed))

    def subject(self) -> str:
        """One line for a mail's subject: ASCII, within SNS's limit."""
        return _subject(f"DynamoDB restore to do: {self.source} -> {self.target}")

    def text(self) -> str:
        """The findings for a person."""
        lines = [f"TO DO      what names {self.source} and was not cloned to {self.target}"]
        lines += [_wrapped("*", f"{finding.name}: {finding.advice}") for finding in self.findings]
        if self.more:
            lines.append(_wrapped("*", f"... and {self.more} more"))
        return cut_at("\n".join(lines) + "\n", TEXT_BYTES)


_HEADS = {
    Result.SYNCED: "synced",
    Result.INCOMPLETE: "incomplete",
    Result.FAILED: "failed",
    Result.SKIPPED: "skipped",
    Result.REPLAYING: "replaying, and following its source until you cut over",
    Result.ABANDONED: "abandoned before cutover",
    Result.DRY_RUN: "dry run, nothing was written",
}

_SWITCHES = {SwitchedBy.TAG: " (by the source's tag)", SwitchedBy.OVERRIDE: " (by an override)"}


def _counted(outcomes: Sequence[Outcome], what: str) -> str:
    """How many settings there are of a kind, and which; empty where there is none."""
    if not outcomes:
        return ""
    names = ", ".join(outcome.setting for outcome in outcomes)
    return f"{_times(len(outcomes), 'setting')} {what}: {names}"


def held(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Settings that wait until an operator releases them."""
    return tuple(outcome.setting for outcome in outcomes if outcome.held)


def _payload(content: Any) -> str:
    """A payload to send; without a space, so that no line break comes into it."""
    return json.dumps(content, separators=(",", ":"))


def _subject(text: str) -> str:
    return text if len(text) <= _SUBJECT_LENGTH else text[: _SUBJECT_LENGTH - 3] + "..."


def overall(outcomes: Sequence[Outcome]) -> Result:
    """The result that the outcomes of a restore's settings add up to."""
    failed = any(outcome.status is Status.FAILED for outcome in outcomes)
    return Result.INCOMPLETE if failed else Result.SYNCED


_DOUBT = "(An interrupted delivery planned these steps; whether it took them is not known.)"


def _setting_lines(outcome: Outcome) -> list[str]:
    skipped = outcome.status is Status.SKIPPED and not (outcome.conflicts or outcome.omitted)
    on = outcome.switch is not None and outcome.switch.on
    # Where it is off, the reason says by whom.
    switch = _SWITCHES.get(outcome.switch.by, "") if outcome.switch and on else ""
    lines = [f"{outcome.status.value.upper():<10} {outcome.setting}{switch}"]
    lines += [_wrapped("+", line) for line in outcome.done]
    if outcome.in_doubt:
        lines += [_wrapped("?", line) for line in (*outcome.in_doubt, _DOUBT)]
    if outcome.status is Status.FAILED and outcome.reason:
        again = (
            "Trying again can help."
            if outcome.retryable
            else "Trying again does not help until this is mended."
        )
        lines += [_wrapped("!", f"{outcome.reason.removesuffix('.')}. {again}")]
    elif skipped or (outcome.held and outcome.reason):
        lines += [_wrapped("-", outcome.reason or "")]
    lines += [_wrapped("-", line) for line in (*outcome.conflicts, *outcome.omitted, *outcome.chosen)]
    return lines


def _wrapped(mark: str, text: str) -> str:
    indent = f"  {mark} " if len(mark) == 1 else f"{mark}: "
    return textwrap.fill(
        text,
        width=96,
        initial_indent=indent,
        subsequent_indent=" " * 4,
        break_long_words=False,
        break_on_hyphens=False,
        # A tab would become eight spaces.
        expand_tabs=False,
    )


def _times(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
