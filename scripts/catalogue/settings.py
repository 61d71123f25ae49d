"""Settings: modules/restore-worker/settings.json, the sections of docs/settings.md, the table of the README."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dynamodb_restore.settings.catalogue import TableActions
from dynamodb_restore.settings.registry import SETTINGS
from dynamodb_restore.settings.setting import CataloguedSetting
from scripts.catalogue import statements
from scripts.catalogue.pages import as_json, code, codes, one_line, table, with_part, yes


def outputs(root: Path) -> dict[Path, str]:
    page, readme = root / "docs" / "settings.md", root / "README.md"
    return {
        root / "modules" / "restore-worker" / "settings.json": as_json(for_terraform()),
        page: with_part(
            page, "settings", f"{overview()}\n\n" + "\n\n".join(section(each) for each in SETTINGS)
        ),
        readme: with_part(readme, "settings", cloned()),
    }


def for_terraform() -> list[dict[str, Any]]:
    """All settings, in the order in which they are applied."""
    return [
        {
            "name": setting.name,
            "default": setting.catalogue.default,
            "builds_on": list(setting.catalogue.builds_on),
            "kept_by_drills": setting.catalogue.kept_by_drills,
            "tag_decides": setting.catalogue.tag_decides,
            "table_reads": _lists(setting.catalogue.table_reads),
            "table_writes": _lists(setting.catalogue.table_writes),
            "statements": [statements.as_json(statement) for statement in setting.catalogue.statements],
        }
        for setting in SETTINGS
    ]


def _lists(actions: TableActions) -> dict[str, list[str]]:
    return {part: list(names) for part, names in asdict(actions).items()}


def cloned() -> str:
    """The README's table of what is cloned."""
    return table(
        ["Setting", "What", "When it is left alone"],
        [
            [
                code(setting.name) + ("" if setting.catalogue.default else " (off by default)"),
                setting.catalogue.what,
                setting.catalogue.left_alone,
            ]
            for setting in SETTINGS
        ],
    )


def overview() -> str:
    return table(
        ["Setting", "By default", "Phase", "Lane", "Builds on", "Drills get it", "The source's tag decides"],
        [
            [
                f"[{code(setting.name)}](#{setting.name})",
                "on" if setting.catalogue.default else "off",
                code(setting.phase.value),
                code(setting.lane.value),
                codes(setting.catalogue.builds_on),
                yes(setting.catalogue.kept_by_drills),
                yes(setting.catalogue.tag_decides),
            ]
            for setting in SETTINGS
        ],
    )


def section(setting: CataloguedSetting) -> str:
    """A setting's part of docs/settings.md."""
    entry = setting.catalogue
    items = {
        "Read": one_line(entry.read),
        "Written": one_line(entry.written),
        "Phase": f"{code(setting.phase.value)}: {one_line(entry.when)}",
        "Kept or skipped": one_line(entry.kept),
        "IAM, to read": "; ".join(_needs(setting, writes=False)) or "nothing more",
        "IAM, to write": "; ".join(_needs(setting, writes=True)) or "nothing more",
        "Source": ", ".join(entry.sources),
    }
    lines = "\n".join(f"- **{name}:** {text}" for name, text in items.items())
    return f"## {code(setting.name)}\n\n{one_line(entry.about)}\n\n{lines}"


def _needs(setting: CataloguedSetting, *, writes: bool) -> Iterator[str]:
    entry = setting.catalogue
    actions = entry.table_writes if writes else entry.table_reads
    owner = "the target" if writes else "source and target"
    yield from _need(setting, actions.tables, owner)
    yield from _need(setting, actions.indexes, f"the indexes of {owner}")
    yield from _need(setting, actions.streams, f"the streams of {owner}")
    for statement in entry.statements:
        if statement.writes is writes:
            yield from _need(setting, statement.actions, statements.place(statement))


def _need(setting: CataloguedSetting, actions: Sequence[str], place: str) -> Iterator[str]:
    asked_for = [action for action in actions if action in setting.catalogue.asked_for]
    called = [action for action in actions if action not in asked_for]
    if called:
        yield f"{codes(called)} on {place}"
    if asked_for:
        yield f"{codes(asked_for)} on {place} (asked for by AWS, not called)"
