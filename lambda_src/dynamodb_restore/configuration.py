"""How restores are followed, as Terraform wrote it into the restore table.

Lambda's environment holds 4 KB (docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), and an estate with many tables
has more overrides and patterns than fit. So they are in an item, and the environment has the item's digest.

Item shape: `document`, a JSON object; its key, in `store.py`, ends with the SHA-256 of that text in hexadecimal. So an item never
changes, and a function that is just being updated reads either what was written for its old code or what was written for its
new code, and nothing between.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from dynamodb_restore.aws import Clients, unmarshal
from dynamodb_restore.store import configuration_key


class ConfigurationMissingError(Exception):
    """The restore table doesn't hold the configuration that the environment names: it is being replaced by an apply right now,
    or somebody deleted it."""


_read: dict[str, Mapping[str, Any]] = {}
"""The one that was read last, by its digest. Kept for later invocations on purpose: under its digest it cannot change."""


def read_configuration(clients: Clients, restore_table: str, digest: str) -> Mapping[str, Any]:
    """The document with that digest.

    Raises:
        ConfigurationMissingError: the restore table doesn't hold it, or holds another text under its key.
        ClientError, BotoCoreError: from GetItem.
    """
    if digest not in _read:
        answer = clients.dynamodb.get_item(
            TableName=restore_table, Key=configuration_key(digest), ConsistentRead=True
        )
        document = unmarshal(answer.get("Item", {})).get("document", "")
        if hashlib.sha256(document.encode()).hexdigest() != digest:
            raise ConfigurationMissingError(
                f"{restore_table} has no configuration {digest}: if no `terraform apply` is running, start one"
            )
        _read.clear()
        _read[digest] = json.loads(document)
    return _read[digest]


def forget() -> None:
    """Read it again at the next call, as a new execution environment does."""
    _read.clear()
