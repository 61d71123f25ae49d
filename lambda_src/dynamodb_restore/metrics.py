"""All metrics that the functions publish, each with its unit, its dimensions, what it means and which alarm watches it."""

from __future__ import annotations

import enum
from typing import Final, Self

NAMESPACE: Final = "DynamoDBRestore"
"""The functions get it as `POWERTOOLS_METRICS_NAMESPACE`."""


class Metric(enum.StrEnum):
    """A metric, by the name that CloudWatch has. Texts are Markdown, and line breaks in them mean nothing.

    Attributes:
        function: which function publishes it.
        meaning: what one of its values says.
        alarm: the alarm that watches it, by the end of its name; empty where none does.
        unit: CloudWatch's name of its unit.
    """

    function: str
    meaning: str
    alarm: str
    unit: str

    def __new__(
        cls, name: str, function: str = "", meaning: str = "", alarm: str = "", unit: str = "Count"
    ) -> Self:
        """A member, equal to its name. `Metric(name)` finds it again."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.function = function
        member.meaning = meaning
        member.alarm = alarm
        member.unit = unit
        return member

    @property
    def dimensions(self) -> tuple[str, ...]:
        """`service` is the deployment's name, `table` a source table with a change pipeline."""
        return ("service", "table") if self.function in _OF_PIPELINES else ("service",)

    RESTORES_SYNCED = "RestoresSynced", "worker", "A restore ended as `synced`."
    RESTORES_INCOMPLETE = "RestoresIncomplete", "worker", "A restore ended as `incomplete`."
    RESTORES_FAILED = "RestoresFailed", "worker", "A restore ended as `failed`."
    RESTORES_SKIPPED = "RestoresSkipped", "worker", "A restore ended as `skipped`."
    RESTORES_REPLAYING = "RestoresReplaying", "worker", "A restore came to `replaying`."
    RESTORES_ABANDONED = (
        "RestoresAbandoned",
        "worker",
        "A restore was reported as `abandoned` by the worker. What an operator ends, the operator function does not count.",
    )
    RESTORES_DRY_RUN = "RestoresDryRun", "worker", "A dry run was made."
    SETTINGS_APPLIED = "SettingsApplied", "worker", "Settings of one restore that were applied."
    SETTINGS_FAILED = "SettingsFailed", "worker", "Settings of one restore that failed."
    SETTINGS_LEFT_OUT = "SettingsLeftOut", "worker", "Settings in `left_out` of one report."
    REPORTS_UNTOLD = (
        "ReportsUntold",
        "worker",
        "A restore ended, and the event bus or the topic refused its report. It is told again.",
    )
    SECONDS_FROM_REQUEST_TO_SYNCED = (
        "SecondsFromRequestToSynced",
        "worker",
        "From the restore call to `synced`.",
        "",
        "Seconds",
    )
    EVENTS_IGNORED = "EventsIgnored", "worker", "An event about a call that restored nothing."
    EVENTS_MALFORMED = "EventsMalformed", "worker", "A message that is no restore which can be followed."
    ORIGINS_UNKNOWN = (
        "OriginsUnknown",
        "worker",
        "A restore was given up because AWS does not tell what it is of.",
    )
    TABLES_LOOKED_AT = "TablesLookedAt", "reconciler", "Tables that one look described."
    TABLES_UNSEEN = (
        "TablesUnseen",
        "reconciler",
        "Tables that it was to look at and may not describe; the log names them.",
        "reconciler-tables-unseen",
    )
    RESTORES_FOUND = "RestoresFound", "reconciler", "Restores that nobody followed and were put on the queue."
    RESTORES_SILENT = (
        "RestoresSilent",
        "reconciler",
        "Restores whose message was lost and were put on the queue again.",
    )
    CHANGES_CAPTURED = "ChangesCaptured", "capture", "Changes that were sent to the buffer."
    RECORDS_NOT_UNDERSTOOD = (
        "RecordsNotUnderstood",
        "capture",
        "Stream records without a readable key; they lie in the failure bucket.",
    )
    IMAGES_NOT_STORED = (
        "ImagesNotStored",
        "capture",
        "Images too large for a message that the failure bucket refused; their changes travel as keys.",
    )
    CAPTURE_BATCHES_CUT_SHORT = (
        "CaptureBatchesCutShort",
        "capture",
        "A batch that could not be sent whole; Lambda brings the rest again.",
    )
    CHANGES_APPLIED = "ChangesApplied", "replay", "Changes that were written to the target."
    CHANGES_SUPERSEDED = (
        "ChangesSuperseded",
        "replay",
        "Changes that a later one of the same item made needless.",
    )
    CHANGES_OUTSIDE_WINDOW = "ChangesOutsideWindow", "replay", "Changes from before or after the window."
    CHANGES_QUARANTINED = "ChangesQuarantined", "replay", "Items that the target refused."
    BUNDLES_SET_ASIDE = "BundlesSetAside", "replay", "Messages that cannot be decoded, moved to the FIFO DLQ."
    WRITES_IN_DOUBT = (
        "WritesInDoubt",
        "replay",
        "Writes without a certain answer, which may still take effect.",
    )
    REPLAY_REFUSED = (
        "ReplayRefused",
        "replay",
        "An invocation ended with what no retry mends.",
        "replay-refused",
    )
    CAPTURE_MISDIRECTED = (
        "CaptureMisdirected",
        "upkeep",
        "Capture does not read the table's live stream, or is not as Terraform made it.",
        "capture-misdirected",
    )
    CHANGES_AFTER_CUTOVER = (
        "ChangesAfterCutover",
        "upkeep",
        "Changes of the source that came after cutover, and are not in the new table.",
        "changes-after-cutover",
    )
    CHANGES_BROUGHT_IN = "ChangesBroughtIn", "upkeep", "Changes that `bring_in` put back into the buffer."


_OF_PIPELINES: Final = frozenset({"capture", "replay", "upkeep"})
