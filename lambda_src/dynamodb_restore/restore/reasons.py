"""Why a restore was given up: the message attribute `reason` in the secondary DLQ, and `code` of the record's `give_up`."""

from __future__ import annotations

from dynamodb_restore.codes import ExplainedCode

_NOT_FOLLOWED = "It is not a restore that this module follows. `detail` says why; delete the message."


class ReasonCode(ExplainedCode):
    """Why only a person can help."""

    STILL_WAITING = (
        "still_waiting",
        "The table was not ACTIVE after the last attempt, or what is being restored was not known by then.",
        "If it is ACTIVE by now, redrive; else raise `polling.max_attempts` first.",
    )
    NOT_TOLD = (
        "not_told",
        "The restore has ended, as its record says, and the event bus or the topic refuses the report. `detail` has the error.",
        "Mend that, then redrive: the report is told.",
    )
    SETTINGS_FAILED = (
        "settings_failed",
        "At least one setting could not be applied. `detail` names each, and why.",
        "Mend it (often a permission), then redrive: what holds already is not touched.",
    )
    TARGET_GONE = (
        "target_gone",
        "The target was deleted, or another table has its name now.",
        "Nothing to sync: delete the message.",
    )
    TARGET_UNUSABLE = (
        "target_unusable",
        "The target is in a state that does not pass: its KMS key is lost, say.",
        "Mend the table and redrive; where that cannot be, delete the message.",
    )
    OTHER_SOURCE = (
        "other_source",
        "The event does not match the table that is being restored.",
        "Look at who sent it.",
    )
    AWS_ERROR = (
        "aws_error",
        "AWS refused a call, or did not answer. `detail` has the error.",
        "Mend it, then redrive.",
    )
    UNEXPECTED_ERROR = (
        "unexpected_error",
        "The function failed where it should not. `detail` has the error, and the log more.",
        "Mend it, then redrive.",
    )
    SOURCE_GONE = (
        "source_gone",
        "The source was deleted before all of it could be read, or another table has its name now.",
        "Invoke the worker with the table whose settings the target should have, then delete the message.",
    )
    NO_EVIDENCE = (
        "no_evidence",
        "Nothing shows that the table was restored: neither the table itself, nor AWS Backup, nor CloudTrail.",
        "Look at who sent the event; if it was restored, invoke the worker on the two tables.",
    )
    JOB_FAILED = (
        "job_failed",
        "The restore job of AWS Backup failed after its table was first seen, for the reason that is told.",
        "Delete the message; a restore that is started again is followed anew.",
    )
    REQUEST_TOO_OLD = (
        "request_too_old",
        "The restore call is more than a day old and was never followed.",
        "Invoke the worker on the two tables, then delete the message.",
    )
    CROSS_REGION = (
        "cross_region",
        "The source is in a region that `source_regions` does not name.",
        "Add it to `source_regions`, apply, redrive.",
    )
    OTHER_ACCOUNT = (
        "other_account",
        "The source is a table of another account, whose settings cannot be read.",
        "Invoke the worker with a table of this account, then delete the message.",
    )
    UNKNOWN_SOURCE = (
        "unknown_source",
        "Nothing says what the backup was made of.",
        "Invoke the worker on the two tables, then delete the message.",
    )
    GIVEN_UP = (
        "given_up",
        "An earlier release gave the restore up, and its record does not say why.",
        "The restore's report says it; mend the cause, then redrive.",
    )
    MALFORMED_JSON = "malformed_json", "The message is not JSON.", _NOT_FOLLOWED
    MISSING_FIELD = "missing_field", "The event lacks a field, or has something else there.", _NOT_FOLLOWED
    MALFORMED_TIME = "malformed_time", "The event has a time that cannot be read.", _NOT_FOLLOWED
    MALFORMED_TABLE = "malformed_table", "The event names a table that cannot be one.", _NOT_FOLLOWED
    UNKNOWN_EVENT = "unknown_event", "The event is about something else than a restore.", _NOT_FOLLOWED
    SAME_TABLE = "same_table", "Source and target are the same table.", _NOT_FOLLOWED
