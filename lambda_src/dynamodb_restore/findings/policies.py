"""Policies that name the source table's ARN: what each statement says of the source and not of the target."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from dynamodb_restore.findings.finding import TableId
from dynamodb_restore.findings.patterns import as_list, lacking


def lacks(document: Any, source: TableId, target: TableId) -> str | None:
    """What to add to a policy, or None where it says the same of both tables."""
    # Callers give JSON values; a document that is none is text.
    if not isinstance(document, dict):
        return None
    missing: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for (effect, element, _), patterns in _patterns(document).items():
        missing[effect, element].update(lacking(patterns, source, target))
    parts = [
        f"{_says(effect, element, source.name, target.name)}: add {', '.join(sorted(arns))} to its {element}"
        for (effect, element), arns in sorted(missing.items())
        if arns
    ]
    return "; ".join(parts) or None


def _patterns(document: Mapping[str, Any]) -> Mapping[tuple[str, str, str], list[str]]:
    """The patterns of all statements, together where statements differ in nothing else."""
    groups: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for statement in as_list(document.get("Statement")):
        for element in ("Resource", "NotResource"):
            if element in statement:
                rest = {key: value for key, value in statement.items() if key not in (element, "Sid")}
                key = (statement.get("Effect", ""), element, json.dumps(rest, sort_keys=True))
                groups[key].extend(as_list(statement[element]))
    return groups


def _says(effect: str, element: str, source: str, target: str) -> str:
    verb = "denies" if effect == "Deny" else "allows"
    if element == "Resource":
        return f"{verb} actions on {source} and not on {target}"
    return f"{verb} actions on everything but {source}, so on {target}"
