"""Which pipelines restores own, noted for Terraform: a plan reads one item and warns where it would take a pipeline away.

The item in the restore table: `pk` = `pipelines`, `sk` = `owned`, and `owned`, a map by source table of `target`, `restore_id`,
`claimed_at` and `noted_at` (both as `2026-11-22T07:00:00Z`), `stream_arn` (the stream that capture reads) and `in_root_module`.
Terraform makes it, with an empty map, and reads it with `modules/owned-pipelines`.

The claim is the truth, and this a hint. It is written after the claim has changed; what fails here is left to upkeep, which
notes it anew with each run. No plan is wrong for it: what nobody has noted for hours counts for nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from dynamodb_restore.aws import AwsError, Clients, is_condition_failed
from dynamodb_restore.instants import iso
from dynamodb_restore.pipeline.claim import Claim
from dynamodb_restore.pipeline.registration import Registration
from dynamodb_restore.store import owned_key

_JUST_NOTED = timedelta(minutes=1)


class OwnedPipelines:
    """Notes for one source table's pipeline whether a restore owns it.

    Nothing here raises what AWS answers: a hint is never worth a restore. Each method returns why nothing could be noted, and None
    where it was, or need not be.
    """

    def __init__(self, clients: Clients, restore_table: str, registration: Registration) -> None:
        self._dynamodb = clients.dynamodb
        self._restore_table = restore_table
        self._registration = registration

    def note(self, claim: Claim, now: datetime) -> str | None:
        """Note that a restore owns the pipeline, in place of whichever did."""
        entry = {
            "target": {"S": claim.target},
            "restore_id": {"S": claim.restore_id},
            "claimed_at": {"S": iso(claim.claimed_at)},
            "noted_at": {"S": iso(now)},
            "stream_arn": {"S": self._registration.stream_arn},
            "in_root_module": {"BOOL": self._registration.in_root_module},
        }
        return self._update(
            UpdateExpression="SET owned.#source = :entry",
            # An item of its own making would end Terraform's, which makes it only where there is none.
            ConditionExpression="attribute_exists(owned)",
            ExpressionAttributeNames={"#source": self._registration.source},
            ExpressionAttributeValues={":entry": {"M": entry}},
        )

    def clear(self, claim: Claim) -> str | None:
        """Note that a restore owns the pipeline no more, unless another one does by now."""
        return self._update(
            UpdateExpression="REMOVE owned.#source",
            ConditionExpression="owned.#source.restore_id = :restore_id",
            ExpressionAttributeNames={"#source": self._registration.source},
            ExpressionAttributeValues={":restore_id": {"S": claim.restore_id}},
        )

    def repair(self, claim: Claim | None, now: datetime) -> str | None:
        """Note what holds, whatever was noted: the restore that has the claim, or none.

        A note of the last minute stays: it may be of a restore that has claimed the pipeline since the claim was read.
        """
        if claim is not None:
            return self.note(claim, now)
        return self._update(
            UpdateExpression="REMOVE owned.#source",
            ConditionExpression="owned.#source.noted_at < :minute_ago",
            ExpressionAttributeNames={"#source": self._registration.source},
            ExpressionAttributeValues={":minute_ago": {"S": iso(now - _JUST_NOTED)}},
        )

    def _update(self, **request: Any) -> str | None:
        try:
            self._dynamodb.update_item(TableName=self._restore_table, Key=owned_key(), **request)
        except AwsError as error:
            # Refused where another restore is noted by now, or none, or where the item is of an apply that is still to come.
            return None if is_condition_failed(error) else str(error)
        return None
