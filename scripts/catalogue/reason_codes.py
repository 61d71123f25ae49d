"""Reason codes, with what to do: the tables of docs/reason-codes.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from dynamodb_restore.codes import ExplainedCode
from dynamodb_restore.pipeline.obstacles import ObstacleCode
from dynamodb_restore.restore.reasons import ReasonCode
from dynamodb_restore.restore.report import Result
from scripts.catalogue.pages import code, table, with_parts

PARTS: Final[Mapping[str, Iterable[ExplainedCode]]] = {
    "results": Result,
    "give-ups": ReasonCode,
    "obstacles": ObstacleCode,
}


def outputs(root: Path) -> dict[Path, str]:
    page = root / "docs" / "reason-codes.md"
    return {page: with_parts(page, {part: codes_table(codes) for part, codes in PARTS.items()})}


def codes_table(codes: Iterable[ExplainedCode]) -> str:
    """Each code, with an anchor of its name."""
    return table(
        ["Code", "What happened", "What to do"],
        [[f'<a id="{each.value}"></a>{code(each.value)}', each.happened, each.to_do] for each in codes],
    )
