"""The shape that every setting has, and the table handle that it works on."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from dynamodb_restore.aws import Clients, describe_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

State = Mapping[str, Any]
"""A setting as read: JSON values only, with nothing in it that names its table (the portable state)."""


class Phase(enum.Enum):
    """When a setting may be applied."""

    ON_ACTIVE = "on_active"
    """It protects or describes the table: as soon as the table is ACTIVE."""
    ON_CUTOVER = "on_cutover"
    """It has effects outside the table or deletes data: not while changes are replayed into it."""


class Lane(enum.Enum):
    """What a setting must not overlap with while it is applied."""

    FIRST = "first"
    """It protects the table: before all others, so that nothing that another service delays can delay it."""
    TABLE = "table"
    """Written by UpdateTable, which changes one kind of thing at a time and leaves the table UPDATING meanwhile: one
    after another, each step on an ACTIVE table
    (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html). What builds on such a change is
    here too."""
    ALONE = "alone"
    """Independent of all others."""
    LAST = "last"
    """One after another, once all others have ended."""


class TableGoneError(Exception):
    """The table that a setting was to be read from or applied to does not exist."""


@dataclass(frozen=True)
class Overrides:
    """What the restore call itself decided about the target; it wins over the source's settings.

    Attributes:
        billing_mode: `PROVISIONED` or `PAY_PER_REQUEST`; None where the call left it as it was.
        provisioned_throughput, on_demand_throughput: whether the call set the table's.
        index_throughput: the names of global secondary indexes whose throughput the call set.
    """

    billing_mode: str | None = None
    provisioned_throughput: bool = False
    on_demand_throughput: bool = False
    index_throughput: Sequence[str] = ()


class Table:
    """One table: its name and clients, and what DescribeTable last said of it.

    `describe` calls AWS once and keeps the answer until `forget`, so that settings which read the same
    description share one call.

    Attributes:
        overrides: what the restore call itself decided about the table.
        own_mappings: UUIDs of event source mappings that this module attached to the table's stream; they are
            machinery, not settings.
    """

    def __init__(
        self,
        name: str,
        clients: Clients,
        description: TableDescriptionTypeDef | None = None,
        overrides: Overrides | None = None,
        own_mappings: Collection[str] = (),
    ) -> None:
        self.name = name
        self.clients = clients
        self.overrides = overrides or Overrides()
        self.own_mappings = frozenset(own_mappings)
        self._description = description

    def describe(self) -> TableDescriptionTypeDef:
        """DescribeTable's `Table`.

        Raises:
            TableGoneError: there is no such table.
        """
        if self._description is None:
            self._description = describe_table(self.clients, self.name)
        if self._description is None:
            raise TableGoneError(f"table {self.name} does not exist")
        return self._description

    def forget(self) -> None:
        """Make the next `describe` ask AWS again; called after UpdateTable, and between two looks at a change."""
        self._description = None

    @property
    def arn(self) -> str:
        return self.describe()["TableArn"]

    @property
    def partition(self) -> str:
        return self.arn.split(":")[1]

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]

    @property
    def live_stream_arn(self) -> str | None:
        """The ARN of the stream that is being written, or None where the stream is off."""
        description = self.describe()
        if description.get("StreamSpecification", {}).get("StreamEnabled"):
            return description.get("LatestStreamArn")
        return None


@dataclass(frozen=True)
class Reading:
    """What `read` found.

    Attributes:
        state: the portable state.
        in_motion: what AWS is still carrying out on this table; empty once the state is final.
        failures: what AWS says that it could not carry out on this table.
    """

    state: State
    in_motion: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One write that the target lacks: `summary` for people, `payload` for `apply`."""

    summary: str
    payload: State = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """What separates the target from the desired state.

    Attributes:
        steps: the writes that would close it, in order.
        conflicts: what the target has otherwise than the source, and keeps.
        omitted: what the source has and the target cannot or must not get, each with its reason.
    """

    steps: tuple[Step, ...] = ()
    conflicts: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()


class Setting(Protocol):
    """One kind of setting: three verbs, each idempotent, none aware of restores.

    Attributes:
        name: the switch in the `settings` variable.
        phase: when it may be applied.
        lane: what it must not overlap with.
    """

    name: str
    phase: Phase
    lane: Lane

    def read(self, table: Table) -> Reading:
        """Read the setting from AWS.

        Raises:
            ClientError, BotoCoreError: from the calls; `aws.classify` says what they ask for.
            TableGoneError: the table does not exist.
        """
        ...

    def diff(self, desired: State, current: State) -> Difference:
        """Compare two portable states; pure, so that a dry run shows exactly what `apply` would do."""
        ...

    def apply(self, table: Table, step: Step) -> None:
        """Carry out one step of a `Difference` on `table`.

        Raises:
            ClientError, BotoCoreError: from the calls.
            CannotApplyError: AWS refused the step, with what a person can do about it.
            StepOmitted: what the step builds on is, by choice, not there.
        """
        ...


class CannotApplyError(Exception):
    """A step that AWS refused for a reason that a person can mend; the text says how."""


class StepOmitted(Exception):  # noqa: N818 - not an error: the report lists it with its reason
    """A step that makes no sense on this target, because of what was chosen for it; the text says why."""
