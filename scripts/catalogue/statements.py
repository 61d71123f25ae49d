"""Statements of policies, as Terraform reads them and as people do."""

from __future__ import annotations

import re
from typing import Any

from dynamodb_restore.permissions import Condition, Statement
from scripts.catalogue.pages import code, one_line


def as_json(statement: Statement) -> dict[str, Any]:
    """What modules/restore-worker/settings_permissions.tf reads; the reason is there for people."""
    return {
        "sid": statement.sid,
        "reason": one_line(statement.reason),
        "actions": list(statement.actions),
        "resources": list(statement.resources),
        "conditions": [
            {
                "test": condition.test,
                "variable": condition.variable,
                "values": list(condition.values),
                "narrows": condition.narrows,
            }
            for condition in statement.conditions
        ],
    }


def shown(template: str) -> str:
    """An ARN with placeholders as on a page: `{each_region}` is EACH_REGION there."""
    return re.sub(r"\{(\w+)\}", lambda found: found[1].upper(), template)


def condition_text(condition: Condition) -> str:
    values = " or ".join(code(shown(value)) for value in condition.values)
    return f"{condition.test} {code(condition.variable)} {values}"


def place(statement: Statement) -> str:
    return ", ".join(code(shown(resource)) for resource in statement.resources)
