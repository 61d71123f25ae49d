"""Principals of policies as IAM knows them, for each AWS of the tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

INVALID_PRINCIPAL = "One or more parameter values were invalid: Invalid principal in policy document."
"""What AWS says of a principal that it does not find."""

_UNIQUE_ID = re.compile(r"(?:AROA|AIDA)[A-Z0-9]{12,}")
"""IAM user guide, reference_identifiers: unique ids of roles and users."""


def names_deleted_principal(policy: Mapping[str, Any]) -> bool:
    """Whether a policy names the unique id of a user or a role as a principal."""
    statements = policy["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        for element in ("Principal", "NotPrincipal"):
            principal = statement.get(element)
            names = principal.get("AWS", []) if isinstance(principal, dict) else []
            if any(_UNIQUE_ID.fullmatch(name) for name in (names if isinstance(names, list) else [names])):
                return True
    return False
