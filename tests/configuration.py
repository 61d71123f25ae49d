"""How restores are followed, as Terraform writes it into the restore table: `modules/restore-worker/configuration.tf`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

DOCUMENT: Mapping[str, Any] = {
    "table_patterns": {"source": ["*"], "target": ["*"]},
    "settings": {},
    "drills": {},
    "overrides": [],
    "control_tag": None,
    "control_tag_excludes": [],
    "attachable": {},
    "follow_terraform": True,
    "source_regions": [],
    "findings": {},
    "polling": {
        "max_attempts": 3,
        "base_delay_seconds": 10,
        "backoff_rate": 2,
        "max_delay_seconds": 300,
        "jitter": 0,
    },
}
"""No setting, no finding, nothing special about any restore."""


def item_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The item of the restore table, in DynamoDB's typed form."""
    text = json.dumps(document)
    return {"pk": {"S": "configuration"}, "sk": {"S": digest_of(document)}, "document": {"S": text}}


def digest_of(document: Mapping[str, Any]) -> str:
    """What the functions' environment names it by."""
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()
