"""What settings and findings take in IAM, with the reason of each wildcard: the tables of docs/permissions.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dynamodb_restore.findings.registry import SEARCHES
from dynamodb_restore.permissions import PLACEHOLDERS, Statement
from dynamodb_restore.settings.registry import SETTINGS
from scripts.catalogue.pages import code, codes, table, with_part
from scripts.catalogue.statements import condition_text, place


def outputs(root: Path) -> dict[Path, str]:
    page = root / "docs" / "permissions.md"
    return {
        page: with_part(page, "permissions", f"{on_tables()}\n\n{around_tables()}\n\n{names()}"),
    }


def on_tables() -> str:
    """What each setting and each search takes on tables, their indexes and streams."""
    return table(
        ["Setting or search", "On source and target", "On the target alone"],
        [
            [
                code(setting.name),
                codes(dict.fromkeys((*reads.tables, *reads.indexes, *reads.streams))) or "nothing more",
                codes(dict.fromkeys((*writes.tables, *writes.indexes, *writes.streams))) or "nothing",
            ]
            for setting in SETTINGS
            for reads, writes in [(setting.catalogue.table_reads, setting.catalogue.table_writes)]
        ]
        + [
            [code(search.kind), codes(search.catalogue.table_reads), "nothing"]
            for search in SEARCHES
            if search.catalogue.table_reads
        ],
    )


def _all_statements() -> Iterator[tuple[str, Statement]]:
    for setting in SETTINGS:
        yield from ((setting.name, statement) for statement in setting.catalogue.statements)
    for search in SEARCHES:
        yield from ((search.kind, statement) for statement in search.catalogue.statements)


def around_tables() -> str:
    """What each setting and each search takes of what lies around the tables."""
    return table(
        ["Setting or search", "Statement", "Actions", "Resources", "Conditions", "Why no narrower"],
        [
            [
                code(owner),
                code(statement.sid),
                codes(statement.actions),
                place(statement),
                "; ".join(condition_text(condition) for condition in statement.conditions),
                statement.reason,
            ]
            for owner, statement in _all_statements()
        ],
    )


def names() -> str:
    """What the words in capital letters stand for."""
    return table(
        ["In these tables", "stands for"], [[code(name.upper()), what] for name, what in PLACEHOLDERS.items()]
    )
