"""The restore table on one page: which items it has, their keys, and who writes them.

| item | `pk` | `sk` | attributes | written by |
| --- | --- | --- | --- | --- |
| restore record | `target#TABLE` | `restore#RESTORE_ID` | `restore/record.py` | restore worker; operator and upkeep functions note in it |
| pin: which table an event is about | `event#EVENT_ID` | `target#TABLE` | `target_id`, `expires_at` | restore worker (`restore/pins.py`) |
| reconciler's note of a restore | `reconciler` | `queued#TABLE#RESTORE_ID` | `at`, `times`, `source_arn`, `backup_arn`, `expires_at` | reconciler (`restore/queued.py`) |
| reconciler's place | `reconciler` | `cursor` | `after` | reconciler (`restore/reconcile.py`) |
| configuration: how restores are followed | `configuration` | SHA-256 of the document | `document` (`configuration.py`) | Terraform |
| registration of a pipeline | `pipeline#SOURCE` | `registration` | `pipeline/registration.py` | Terraform |
| claim on a pipeline | `pipeline#SOURCE` | `claim` | `pipeline/claim.py` | restore worker, operator and upkeep functions |
| coverage: what is consumed | `pipeline#SOURCE` | `coverage` | `consumed_until` | operator function (`pipeline/claim.py`) |
| window that a person chose | `pipeline#SOURCE` | `window#RESTORE_ID` | as in the claim, and `expires_at` | restore worker (`pipeline/chosen_window.py`) |
| the last restore that is not captured | `pipeline#SOURCE` | `not_captured` | `pipeline/not_captured.py` | restore worker |
| which pipelines restores own, for Terraform | `pipelines` | `owned` | `pipeline/owned.py` | Terraform makes it; restore worker, operator and upkeep functions note in it |
| progress of capture | `pipeline#SOURCE` | `captured#BUFFER_ID#CHUNK` | `changes/progress.py` | capture; the pipeline forgets `since` |
| progress of replay | `pipeline#SOURCE` | `replayed#BUFFER_ID#CHUNK` | `changes/progress.py` | replay; upkeep notes `quarantined` |
| where capture is stuck | `pipeline#SOURCE` | `stuck#BUFFER_ID` | `changes/stuck.py` | capture |
| doubt: writes without an answer | `doubt#SOURCE` | `BUFFER_ID#SENT_UNTIL#INVOCATION` | `changes/doubt.py` | replay and upkeep |
| quarantined item | `quarantine#RESTORE_ID` | hash of the item's id | `changes/quarantine.py` | replay and upkeep |

RESTORE_ID is the target's TableId, or the event's id where AWS did not tell one; BUFFER_ID is of the very queue. `expires_at`, epoch
seconds, is the table's TTL attribute. The roles are held to partitions (`dynamodb:LeadingKeys` in the modules' permissions), so what may
be deleted by different roles is in different ones.
"""

from __future__ import annotations

from typing import Any

ItemKey = dict[str, Any]
"""A primary key of the restore table, in DynamoDB's typed form."""


def record_key(target: str, restore_id: str) -> ItemKey:
    """Of a restore record."""
    return _key(f"target#{target}", f"restore#{restore_id}")


def pin_key(event_id: str, target: str) -> ItemKey:
    """Of the pin of an event to a table."""
    return _key(f"event#{event_id}", f"target#{target}")


def queued_key(target: str, restore_id: str) -> ItemKey:
    """Of the reconciler's note that a restore was put on the queue."""
    return _key("reconciler", f"queued#{target}#{restore_id}")


def cursor_key() -> ItemKey:
    """Of where the reconciler goes on."""
    return _key("reconciler", "cursor")


def configuration_key(digest: str) -> ItemKey:
    """Of how restores are followed."""
    return _key("configuration", digest)


def pipeline_partition(source_table: str) -> str:
    """The partition that holds all about one pipeline but its doubts and quarantined items."""
    return f"pipeline#{source_table}"


def registration_key(source_table: str) -> ItemKey:
    """Of what Terraform made for a source table."""
    return _key(pipeline_partition(source_table), "registration")


def claim_key(source_table: str) -> ItemKey:
    """Of which restore owns a pipeline."""
    return _key(pipeline_partition(source_table), "claim")


def coverage_key(source_table: str) -> ItemKey:
    """Of up to when changes went into an earlier restore."""
    return _key(pipeline_partition(source_table), "coverage")


def not_captured_key(source_table: str) -> ItemKey:
    """Of the last restore whose target a pipeline does not admit."""
    return _key(pipeline_partition(source_table), "not_captured")


def owned_key() -> ItemKey:
    """Of which pipelines restores own, as Terraform reads it."""
    return _key("pipelines", "owned")


def window_key(source_table: str, restore_id: str) -> ItemKey:
    """Of the window that a person chose for a restore."""
    return _key(pipeline_partition(source_table), f"window#{restore_id}")


def progress_prefix(side: str, buffer_id: str) -> str:
    """How the sort keys of one side's progress items begin; the side is `captured` or `replayed`."""
    return f"{side}#{buffer_id}#"


def progress_key(source_table: str, side: str, buffer_id: str, chunk: int) -> ItemKey:
    """Of the progress of one chunk of groups."""
    return _key(pipeline_partition(source_table), f"{progress_prefix(side, buffer_id)}{chunk}")


def stuck_key(source_table: str, buffer_id: str) -> ItemKey:
    """Of the records at which capture is stuck."""
    return _key(pipeline_partition(source_table), f"stuck#{buffer_id}")


def doubt_partition(source_table: str) -> str:
    """The partition that holds one pipeline's doubts."""
    return f"doubt#{source_table}"


def doubt_key(source_table: str, name: str) -> ItemKey:
    """Of one note of writes in doubt; its name is the whole sort key."""
    return _key(doubt_partition(source_table), name)


def quarantine_partition(restore_id: str) -> str:
    """The partition that holds one restore's quarantined items."""
    return f"quarantine#{restore_id}"


def quarantine_key(restore_id: str, digest: str) -> ItemKey:
    """Of one quarantined item, by the hash of its id: a key may be longer than the 1,024 bytes of a sort key."""
    return _key(quarantine_partition(restore_id), digest)


def _key(partition: str, sort: str) -> ItemKey:
    return {"pk": {"S": partition}, "sk": {"S": sort}}
