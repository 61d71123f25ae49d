"""The shape of the code: which room may import which, how long a class may be, and who knows botocore."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "lambda_src" / "dynamodb_restore"

SHARED = {
    "aws",
    "store",
    "backoff",
    "pace",
    "instants",
    "patterns",
    "codes",
    "metrics",
    "permissions",
    "payload",
    "listings",
}
"""Single files at the bottom, which every room may import."""

MAY_IMPORT = {
    "handlers": {
        "actions",
        "restore",
        "sync",
        "pipeline",
        "findings",
        "settings",
        "changes",
        "config",
        "configuration",
    },
    "actions": {"restore", "sync", "pipeline", "findings", "settings", "changes", "config"},
    "restore": {"sync", "pipeline", "findings", "settings", "changes", "config"},
    # What the functions' environments say, in the terms of the rooms that need it.
    "config": {"sync", "pipeline", "findings", "settings", "changes", "configuration"},
    "configuration": {"aws", "store"},
    "sync": {"settings"},
    "pipeline": {"changes"},
    "findings": {"settings"},
    "settings": set(),
    "changes": set(),
    "store": set(),
    "aws": {"listings"},
    "backoff": set(),
    "pace": {"aws"},
    "instants": set(),
    "patterns": set(),
    "codes": set(),
    "metrics": set(),
    "permissions": set(),
    "payload": {"aws"},
    "listings": set(),
}
"""Room to the rooms that it may import, besides itself and, for a folder, the shared files. CONTRIBUTING.md has the same as a
drawing."""

LONGEST_CLASS = 300
"""Lines, with its docstring."""

FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = [path.relative_to(PACKAGE).as_posix() for path in FILES if path.name != "__init__.py"]


def room_of(file: str) -> str:
    """`settings` of `settings/tags.py`, `pace` of `pace.py`."""
    return file.partition("/")[0].removesuffix(".py")


def imported_by(text: str) -> Iterator[str]:
    """The full names of the modules that a source text imports, wherever in it."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def against_the_arrows(file: str, text: str) -> list[str]:
    """What a file of this package imports and must not."""
    room = room_of(file)
    permitted = {room} | MAY_IMPORT[room] | (SHARED if "/" in file or room == "config" else set())
    names = [name for name in imported_by(text) if name.startswith("dynamodb_restore.")]
    return [name for name in names if name.split(".")[1] not in permitted]


def text_of(file: str) -> str:
    return (PACKAGE / file).read_text(encoding="utf-8")


def test_every_room_is_in_the_table() -> None:
    assert {room_of(file) for file in MODULES} == set(MAY_IMPORT)


@pytest.mark.parametrize("file", MODULES)
def test_imports_follow_the_arrows(file: str) -> None:
    wrong = against_the_arrows(file, text_of(file))
    assert not wrong, f"{file} imports {', '.join(wrong)}: {room_of(file)} may not know that room"


def test_the_arrows_have_no_circle() -> None:
    left = {room: set(others) for room, others in MAY_IMPORT.items()}
    while left:
        free = [room for room, others in left.items() if not others & left.keys()]
        assert free, f"these import each other: {sorted(left)}"
        for room in free:
            del left[room]


@pytest.mark.parametrize(
    ("file", "text", "wrong"),
    [
        (
            "sync/run.py",
            "from dynamodb_restore.restore.record import x",
            ["dynamodb_restore.restore.record.x"],
        ),
        (
            "sync/run.py",
            "def f():\n    import dynamodb_restore.actions.window",
            ["dynamodb_restore.actions.window"],
        ),
        ("settings/tags.py", "from dynamodb_restore import changes", ["dynamodb_restore.changes"]),
        ("instants.py", "from dynamodb_restore.aws import x", ["dynamodb_restore.aws.x"]),
        (
            "sync/run.py",
            "from dynamodb_restore.settings.setting import x\nfrom dynamodb_restore import pace",
            [],
        ),
    ],
)
def test_an_import_against_the_arrows_is_found(file: str, text: str, wrong: list[str]) -> None:
    assert against_the_arrows(file, text) == wrong


@pytest.mark.parametrize("file", MODULES)
def test_no_class_is_too_long(file: str) -> None:
    lengths = {
        node.name: (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(ast.parse(text_of(file)))
        if isinstance(node, ast.ClassDef)
    }
    too_long = {name: lines for name, lines in lengths.items() if lines > LONGEST_CLASS}
    assert not too_long, (
        f"{file}: more than {LONGEST_CLASS} lines, so it has more than one reason to exist: {too_long}"
    )


def knows_botocore(file: str) -> bool:
    return any(name.split(".")[0] in {"boto3", "botocore"} for name in imported_by(text_of(file)))


def test_only_aws_knows_botocore() -> None:
    assert [file for file in MODULES if knows_botocore(file)] == ["aws.py"]
