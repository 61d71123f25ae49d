"""Searches for findings: modules/restore-worker/findings.json, and their sections of docs/settings.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dynamodb_restore.findings.finding import CataloguedSearch
from dynamodb_restore.findings.registry import SEARCHES
from scripts.catalogue import statements
from scripts.catalogue.pages import as_json, code, codes, one_line, table, with_part


def outputs(root: Path) -> dict[Path, str]:
    page = root / "docs" / "settings.md"
    return {
        root / "modules" / "restore-worker" / "findings.json": as_json(for_terraform()),
        page: with_part(
            page, "findings", f"{overview()}\n\n" + "\n\n".join(section(each) for each in SEARCHES)
        ),
    }


def for_terraform() -> list[dict[str, Any]]:
    return [
        {
            "name": search.kind,
            "default": search.catalogue.default,
            "table_reads": list(search.catalogue.table_reads),
            "statements": [statements.as_json(statement) for statement in search.catalogue.statements],
        }
        for search in SEARCHES
    ]


def overview() -> str:
    return table(
        ["Search", "By default"],
        [
            [f"[{code(search.kind)}](#{search.kind})", "on" if search.catalogue.default else "off"]
            for search in SEARCHES
        ],
    )


def section(search: CataloguedSearch) -> str:
    """A search's part of docs/settings.md."""
    entry = search.catalogue
    items = {
        "Found": one_line(entry.found),
        "Read": one_line(entry.read),
        "Left out": one_line(entry.left_out),
        "IAM": "; ".join(
            [
                *([f"{codes(entry.table_reads)} on source and target"] if entry.table_reads else []),
                *(
                    f"{codes(statement.actions)} on {statements.place(statement)}"
                    for statement in entry.statements
                ),
            ]
        ),
        "Source": ", ".join(entry.sources),
    }
    lines = "\n".join(f"- **{name}:** {text}" for name, text in items.items())
    return f"### {code(search.kind)}\n\n{one_line(entry.about)}\n\n{lines}"
