"""Operator actions: modules/restore-worker/actions.json, and the table and sections of docs/operator-actions.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dynamodb_restore.actions.action import Action
from dynamodb_restore.actions.permissions import RESOURCES, Resource, Scope
from dynamodb_restore.actions.registry import ACTIONS
from dynamodb_restore.payload import REQUIRED, Field
from scripts.catalogue.pages import as_json, code, codes, table, with_part


def outputs(root: Path) -> dict[Path, str]:
    page = root / "docs" / "operator-actions.md"
    parts = [overview(ACTIONS), *(section(action) for action in ACTIONS)]
    return {
        root / "modules" / "restore-worker" / "actions.json": as_json(for_terraform(ACTIONS)),
        page: with_part(page, "operator-actions", "\n\n".join(parts)),
    }


def for_terraform(actions: Sequence[Action]) -> dict[str, Any]:
    """What modules/restore-worker and modules/change-pipeline read.

    `pipeline_commands` lack `table`, which each pipeline adds.
    """
    return {
        "pipeline_commands": {
            action.name: dict(action.in_command) for action in actions if action.is_on_a_pipeline
        },
        "other_commands": {
            action.name: dict(action.in_command) for action in actions if not action.is_on_a_pipeline
        },
        "statements": {
            scope.value: list(statements(actions, scope)) for scope in (Scope.PIPELINE, Scope.DEPLOYMENT)
        },
    }


def statements(actions: Sequence[Action], scope: Scope) -> Iterator[dict[str, Any]]:
    """The statements of a policy, with all that any action needs on each resource."""
    for sid in dict.fromkeys(resource.sid for resource in RESOURCES if resource.scope is scope):
        resources = [
            resource
            for resource in RESOURCES
            if resource.sid == sid and any(iam_actions(action, resource) for action in actions)
        ]
        needed_by = [action for action in actions if iam_actions(action, *resources)]
        if resources:
            yield {
                "sid": sid,
                "resources": [resource.name for resource in resources],
                "actions": sorted({name for action in needed_by for name in iam_actions(action, *resources)}),
                "needed_by": [action.name for action in needed_by],
            }


def iam_actions(action: Action, *resources: Resource) -> list[str]:
    """What an action needs on these resources."""
    return sorted(
        {
            name
            for permission in action.permissions
            if permission.resource in resources
            for name in permission.iam_actions
        }
    )


def overview(actions: Sequence[Action]) -> str:
    return table(
        ["Action", "What it does"],
        [[f"[{code(action.name)}](#{action.name})", action.summary] for action in actions],
    )


def section(action: Action) -> str:
    """An action's part of docs/operator-actions.md."""
    example = f"```json\n{json.dumps(action.example)}\n```"
    return "\n\n".join([f"## {code(action.name)}", action.summary, *fields(action), example, needs(action)])


def fields(action: Action) -> Iterator[str]:
    """The table of an action's fields, where it has any."""
    if action.fields:
        yield table(
            ["Field", "Type", "Default", "What"],
            [[code(field.name), field.kind.name, default(field), field.what] for field in action.fields],
        )


def default(field: Field) -> str:
    if field.default is REQUIRED:
        return "required"
    return code(json.dumps(list(field.default) if isinstance(field.default, tuple) else field.default))


def needs(action: Action) -> str:
    """The permissions that an action needs."""
    rows = [
        [resource.what, codes(iam_actions(action, resource))]
        for resource in RESOURCES
        if iam_actions(action, resource)
    ]
    needed = table(["On", "It needs"], rows)
    if not action.applies_settings:
        return needed
    return f"{needed}\n\nBesides, it needs what the settings need that it applies: see [settings.md](settings.md)."
