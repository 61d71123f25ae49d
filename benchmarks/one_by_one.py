"""The published design, repaired just enough to run: one message a record, one write a message.

As published it names no message group (so SQS refuses every message), leaves binary values as base64 text
and fails on deletes. Here it has a group for each item, decodes binary and deletes; the rest is its own way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.change import sdk_attributes

QUEUE_URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/changes.fifo"


def capture(records: Iterable[Mapping[str, Any]], clients: Clients) -> list[str]:
    """Send each record as a message of its own; returns the bodies."""
    bodies = []
    for record in records:
        body = json.dumps(record)
        group = hashlib.sha256(json.dumps(record["dynamodb"]["Keys"], sort_keys=True).encode()).hexdigest()
        clients.sqs.send_message(
            QueueUrl=QUEUE_URL,
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=record["eventID"],
        )
        bodies.append(body)
    return bodies


def replay(bodies: Iterable[str], clients: Clients, table: str) -> None:
    """Write each message's change, one after another."""
    for body in bodies:
        change = json.loads(body)["dynamodb"]
        if "NewImage" in change:
            clients.dynamodb.put_item(TableName=table, Item=sdk_attributes(change["NewImage"]))
        else:
            clients.dynamodb.delete_item(TableName=table, Key=sdk_attributes(change["Keys"]))
