"""What is to be known of a setting beside its verbs: by Terraform, by the documentation, and by whoever adds the next one."""

from __future__ import annotations

from dataclasses import dataclass

from dynamodb_restore.permissions import Statement


@dataclass(frozen=True)
class TableActions:
    """Actions of DynamoDB, such as `dynamodb:TagResource`, by what they are for: a table, its indexes, its streams."""

    tables: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()


@dataclass(frozen=True)
class CatalogueEntry:
    """The facts of one setting that others need; `make catalog` takes them to Terraform and to the documentation.

    Texts are Markdown, and line breaks in them mean nothing.

    Attributes:
        default: whether it is on where nobody chooses. Off is what costs, or what a person should decide.
        what: what is cloned, in the few words of the README's table.
        left_alone: when it is not, likewise.
        about: what it is, and what a restore makes of it.
        read, written: the calls.
        when: why it has its phase.
        kept: what of the target is kept, what of the source is skipped or fails, and why.
        sources: where AWS says so, without `https://`.
        builds_on: settings without which it makes no sense, or which its own steps would make: none of them may be held while
            it is not.
        kept_by_drills: whether a drill gets it: it describes the table, costs nothing, protects nothing, acts on nothing outside, and does
            not hinder DeleteTable.
        tag_decides: whether the tag on the source decides about it by default; not of what protects the table, for whoever may tag
            the source could then leave the target unprotected.
        compared: whether what differs is reported also where it is off: nothing of a table is to be silently otherwise.
        table_reads: actions on source and target. DescribeTable is common to all settings, and is not named.
        table_writes: actions on the target alone.
        statements: all else.
        asked_for: those of all these actions that AWS wants its caller to have and that the setting never calls.
    """

    default: bool
    what: str
    left_alone: str
    about: str
    read: str
    written: str
    when: str
    kept: str
    sources: tuple[str, ...]
    builds_on: tuple[str, ...] = ()
    kept_by_drills: bool = False
    tag_decides: bool = True
    compared: bool = False
    table_reads: TableActions = TableActions()
    table_writes: TableActions = TableActions()
    statements: tuple[Statement, ...] = ()
    asked_for: tuple[str, ...] = ()
