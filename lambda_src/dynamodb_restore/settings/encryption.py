"""The key that encrypts the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamodb_restore.permissions import Condition, Statement
from dynamodb_restore.settings.catalogue import CatalogueEntry, TableActions
from dynamodb_restore.settings.setting import Difference, Lane, Phase, Reading, State, Step, Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import SSESpecificationTypeDef

_AWS_OWNED = "a key that AWS owns"


class Encryption:
    """Portable state: `{"key_arn": ARN or None, "chosen": bool}`; None is a key that AWS owns, which has no ARN here. `chosen` says
    whether the restore call chose it.

    A key that AWS manages in the account (alias/aws/dynamodb) has an ARN like one of the customer's.
    """

    name = "encryption"
    phase = Phase.ON_ACTIVE
    lane = Lane.TABLE
    catalogue = CatalogueEntry(
        default=False,
        what="the KMS key of the source",
        left_alone="never to a key that AWS owns; the restore call chose a key",
        about="""
            The KMS key that encrypts the table. A restore to a point in time takes the key that the source has at that
            moment; a restore from a backup can end with a key that AWS owns, with nobody having asked for that. The
            difference is reported whether this is on or off. Off by default, because a customer key costs by the
            request, and who may read the table then depends on its key policy.
        """,
        read="`DescribeTable` (`SSEDescription`; a table without one has a key that AWS owns).",
        written="""
            `UpdateTable` with `SSESpecification`, in a call of its own; before that `DescribeKey`, because DynamoDB
            wants its default key, alias/aws/dynamodb, not to be named. AWS changes the key in the background,
            `UPDATING` meanwhile.
        """,
        when="it protects what is in the table, and changes nothing for those who may use the key.",
        kept="""
            A key on a target whose source has one that AWS owns is a conflict and stays. What the restore call chose
            is told and stays. The source's tag does not decide about it. Keys of another region cannot be used and are left out. A key that is disabled, or that
            the role may not use, fails with AWS's own words. AWS takes few changes of a table's key in a day.
        """,
        sources=(
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SSESpecification.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SSEDescription.html",
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html",
            "docs.aws.amazon.com/aws-backup/latest/devguide/restoring-dynamodb.html",
        ),
        tag_decides=False,
        compared=True,
        table_writes=TableActions(tables=("dynamodb:UpdateTable",)),
        statements=(
            Statement(
                "DescribeKeysOfSources",
                ("kms:DescribeKey",),
                ("arn:{partition}:kms:{region}:{account}:key/*",),
                reason="Which key a source has is known no sooner than it is restored.",
            ),
            Statement(
                "EncryptWithKeysOfSources",
                (
                    "kms:Encrypt",
                    "kms:Decrypt",
                    "kms:ReEncrypt*",
                    "kms:GenerateDataKey*",
                    "kms:DescribeKey",
                    "kms:CreateGrant",
                ),
                ("arn:{partition}:kms:{region}:{account}:key/*",),
                reason="Which key a source has is known no sooner than it is restored; it is used through DynamoDB alone. Actions that end"
                " in `*` are DynamoDB's own wording.",
                conditions=(
                    Condition("StringEquals", "kms:ViaService", ("dynamodb.{region}.{dns_suffix}",)),
                ),
                writes=True,
            ),
        ),
        asked_for=(
            "kms:Encrypt",
            "kms:Decrypt",
            "kms:ReEncrypt*",
            "kms:GenerateDataKey*",
            "kms:CreateGrant",
        ),
    )

    def read(self, table: Table) -> Reading:
        described = table.describe().get("SSEDescription", {})
        status = described.get("Status", "DISABLED")
        changing = ("its encryption is being changed",) if status.endswith("ING") else ()
        key_arn = None if status == "DISABLED" else described.get("KMSMasterKeyArn")
        return Reading({"key_arn": key_arn, "chosen": table.overrides.encryption}, changing)

    def diff(self, desired: State, current: State) -> Difference:
        wanted, present = desired["key_arn"], current["key_arn"]
        if wanted == present:
            return Difference()
        differs = (
            f"the target is encrypted with {present or _AWS_OWNED}, the source with {wanted or _AWS_OWNED}"
        )
        if current["chosen"]:
            return Difference(chosen=(f"{differs}; the restore call chose it",))
        if wanted is None:
            # A stronger choice for this table is somebody's.
            return Difference(conflicts=(f"{differs}; the target's is kept",))
        return Difference((Step(f"encrypt with {wanted}", {"key_arn": wanted}),))

    def apply(self, table: Table, step: Step) -> None:
        key_arn = step.payload["key_arn"]
        specification: SSESpecificationTypeDef = {"Enabled": True, "SSEType": "KMS"}
        key = table.clients.kms.describe_key(KeyId=key_arn)["KeyMetadata"]
        if key.get("KeyManager") != "AWS":
            specification["KMSMasterKeyId"] = key_arn
        table.clients.dynamodb.update_table(TableName=table.name, SSESpecification=specification)
        table.forget()
