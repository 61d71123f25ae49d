"""What operator actions may do: IAM actions on things that Terraform knows by the same names.

Each resource is in one statement of the operator function's policies, with all that any action needs on it. So an action that
needs nothing new adds nothing, and what no action needs is not granted.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Scope(enum.Enum):
    """Which policy of the operator function's role has a statement."""

    PIPELINE = "pipeline"
    """The function's policy for the things of all change pipelines, which go by their names."""

    DEPLOYMENT = "deployment"
    """The function's own policy."""

    SETTINGS = "settings"
    """The policies of the settings that are switched on, which the restore worker has, too; see docs/settings.md."""


@dataclass(frozen=True)
class Resource:
    """What operator actions work on.

    Attributes:
        name: by which Terraform has its ARNs and conditions.
        sid: of its statement.
        what: the same in words.
    """

    name: str
    sid: str
    scope: Scope
    what: str


MAPPINGS = Resource(
    "mappings", "LookAtMappings", Scope.PIPELINE, "the event source mappings of capture and of replay"
)
SWITCHED_MAPPINGS = Resource(
    "switched_mappings", "SwitchMappings", Scope.PIPELINE, "the same, by the function that they invoke"
)
UPKEEP_FUNCTIONS = Resource(
    "upkeep_functions", "HaveUpkeepDoIt", Scope.PIPELINE, "the pipeline's upkeep function"
)
BUFFERS = Resource("buffers", "WatchBuffers", Scope.PIPELINE, "the buffer and its FIFO DLQ")
FAILURE_BUCKETS = Resource(
    "failure_buckets", "FindWhatWasGivenUp", Scope.PIPELINE, "the failure bucket, where it is listed"
)
GIVEN_UP_CHANGES = Resource(
    "given_up_changes", "ReadWhatWasGivenUp", Scope.PIPELINE, "what capture gave up, in the failure bucket"
)
RESTORE_TABLE = Resource("restore_table", "KeepRestoreRecords", Scope.DEPLOYMENT, "the restore table")
EVENT_BUS = Resource("event_bus", "ReportToTheEventBus", Scope.DEPLOYMENT, "the event bus of the reports")
TOPIC = Resource("topic", "Notify", Scope.DEPLOYMENT, "the topic of the notifications, where there is one")
TABLES = Resource("tables", "ReadTables", Scope.SETTINGS, "the source and the restored table")

RESOURCES = (
    MAPPINGS,
    SWITCHED_MAPPINGS,
    UPKEEP_FUNCTIONS,
    BUFFERS,
    FAILURE_BUCKETS,
    GIVEN_UP_CHANGES,
    RESTORE_TABLE,
    EVENT_BUS,
    TOPIC,
    TABLES,
)
"""In the order of their statements."""


@dataclass(frozen=True)
class Permission:
    """IAM actions that an operator action needs on one resource."""

    resource: Resource
    iam_actions: tuple[str, ...]


def on_records(*operations: str) -> Permission:
    """Operations of DynamoDB on the restore table, which has claims, progress, and records of restores."""
    return Permission(RESTORE_TABLE, tuple(f"dynamodb:{operation}" for operation in operations))


LOOK_AT_REPLAY = (
    on_records("GetItem", "Query"),
    Permission(MAPPINGS, ("lambda:GetEventSourceMapping",)),
    Permission(BUFFERS, ("sqs:GetQueueAttributes",)),
    Permission(FAILURE_BUCKETS, ("s3:ListBucket",)),
    Permission(GIVEN_UP_CHANGES, ("s3:GetObject",)),
    Permission(TABLES, ("dynamodb:DescribeTable",)),
)
"""What it takes to tell how a replay stands."""

SWITCH_MAPPINGS = (
    Permission(MAPPINGS, ("lambda:GetEventSourceMapping",)),
    Permission(SWITCHED_MAPPINGS, ("lambda:UpdateEventSourceMapping",)),
)

REPORT = (
    on_records("UpdateItem"),
    Permission(EVENT_BUS, ("events:PutEvents",)),
    Permission(TOPIC, ("sns:Publish",)),
)
"""What it takes to tell how a restore ended."""

ASK_UPKEEP = (on_records("GetItem"), Permission(UPKEEP_FUNCTIONS, ("lambda:InvokeFunction",)))
"""What it takes to have the upkeep function do something."""
