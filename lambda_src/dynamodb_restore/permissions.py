"""What a function's role may do, written beside the code that needs it.

Terraform reads these statements from the files that `make catalog` writes. Names in braces are resolved there, because which tables,
regions and accounts there are is known to it alone (modules/restore-worker/settings_permissions.tf).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PLACEHOLDERS: Final = {
    "partition": "the deployment's",
    "region": "the deployment's",
    "account": "the deployment's",
    "dns_suffix": "of the services of the partition, `amazonaws.com` in most",
    "each_region": "the deployment's, then each of `source_regions`",
    "each_target": "each pattern of `table_patterns.target`",
    "each_attachable_function": "each ARN that `attachable.functions` admits, also with an alias or version; none where it admits all",
    "each_attachable_stream": "each ARN that `attachable.kinesis_streams` admits",
}
"""What may stand in braces, and what it stands for. A text has at most one `each_…`, and becomes one text for each value."""


@dataclass(frozen=True)
class Condition:
    """When a statement holds.

    Attributes:
        test: IAM's condition operator, such as `StringEquals`.
        variable: the condition key.
        values: texts, with placeholders.
        narrows: what the user's own choice narrows: the condition is left out where they chose everything, so that there is no value
            at all. Of any other condition that would be an error.
    """

    test: str
    variable: str
    values: tuple[str, ...]
    narrows: bool = False


@dataclass(frozen=True)
class Statement:
    """One purpose, with what it takes.

    Attributes:
        sid: the purpose, in PascalCase; unique in all policies of a role.
        actions: IAM's names, such as `lambda:ListTags`.
        resources: ARNs with placeholders, or `*`.
        reason: why a wildcard in the resources cannot be narrower; empty where there is none.
        writes: whether it changes anything; else it only reads.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    reason: str = ""
    conditions: tuple[Condition, ...] = ()
    writes: bool = False


NO_RESOURCE: Final = "The action knows no resource to name."
"""The commonest reason: the service offers no ARN for it (its page in docs.aws.amazon.com/service-authorization/latest/reference/)."""


def service_linked_role(sid: str, service: str, role: str) -> Statement:
    """Leave to make the role with which an AWS service acts in the account, and no other one.

    Args:
        service: the service's principal, such as `replication.dynamodb.amazonaws.com`.
    """
    return Statement(
        sid,
        ("iam:CreateServiceLinkedRole",),
        (f"arn:{{partition}}:iam::{{account}}:role/aws-service-role/{service}/{role}",),
        conditions=(Condition("StringEquals", "iam:AWSServiceName", (service,)),),
        writes=True,
    )
