"""What is to be known of a search beside what it does: by Terraform, by the documentation, and by whoever adds the next one."""

from __future__ import annotations

from dataclasses import dataclass

from dynamodb_restore.permissions import Statement


@dataclass(frozen=True)
class CatalogueEntry:
    """The facts of one search that others need; `make catalog` takes them to Terraform and to the documentation.

    Texts are Markdown, and line breaks in them mean nothing.

    Attributes:
        default: whether it is on where nobody chooses.
        about: what is looked for, and why that is not cloned.
        found: what counts, and what one line of the report is.
        read: the calls.
        left_out: what does not count.
        sources: where AWS says so, without `https://`.
        statements: what the worker's role needs; none of it writes.
        table_reads: DynamoDB's actions on the source and the target themselves. They join those of the settings in one statement, so
            that the patterns of tables stand in a policy once.
    """

    default: bool
    about: str
    found: str
    read: str
    left_out: str
    sources: tuple[str, ...]
    statements: tuple[Statement, ...]
    table_reads: tuple[str, ...] = ()
