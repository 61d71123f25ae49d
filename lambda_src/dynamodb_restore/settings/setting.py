"""The shape that every setting has, and the table handle that it works on."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from dynamodb_restore.aws import Clients, describe_table
from dynamodb_restore.instants import iso
from dynamodb_restore.settings.catalogue import CatalogueEntry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

State = Mapping[str, Any]
"""A setting as read: JSON values only, with nothing in it that names its table (the portable state). `"incomplete": True` at its
top level says that a part could not be read, which has `"unreadable": reason`, and is to be read again (`completed`)."""


def is_incomplete(state: State) -> bool:
    """Whether a part of a portable state could not be read."""
    return state.get("incomplete") is True


def completed(kept: State, now: State) -> State:
    """A state that was kept, with the parts that could not be read as they are read now; all else stays as it was.

    A part that is not there any more stays unreadable.
    """
    filled = {key: _filled(value, now.get(key)) for key, value in kept.items() if key != "incomplete"}
    return {**filled, "incomplete": True} if _has_unreadable(filled) else filled


def _filled(kept: Any, now: Any) -> Any:
    if not isinstance(kept, Mapping) or not isinstance(now, Mapping):
        return kept
    if "unreadable" in kept:
        return now
    return {key: _filled(value, now.get(key)) for key, value in kept.items()}


def _has_unreadable(value: Any) -> bool:
    return isinstance(value, Mapping) and (
        "unreadable" in value or any(_has_unreadable(inner) for inner in value.values())
    )


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


class AnotherTableError(TableGoneError):
    """The table that was meant is gone, and another one has its name now; `aws.classify` gives it up, as every error that is
    not AWS's."""


@dataclass(frozen=True)
class Identity:
    """Which of the tables that have one name, one after another, is meant.

    Attributes:
        table_id: its TableId, which no other table ever has
            (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html); None where it is not known,
            and the first look at the table is to tell it.
        existed_at: an instant at which it was there already; None where none is known.
    """

    table_id: str | None = None
    existed_at: datetime | None = None

    def contradiction(self, description: TableDescriptionTypeDef) -> str | None:
        """What of DescribeTable's answer shows that it is about another table; None where nothing does."""
        table_id, created = description.get("TableId"), description.get("CreationDateTime")
        if self.table_id is not None and table_id is not None and table_id != self.table_id:
            return f"with the id {table_id} in place of {self.table_id}"
        # Events and records tell whole seconds.
        if self.existed_at and created and created >= self.existed_at + timedelta(seconds=1):
            return f"created {iso(created)}, after {iso(self.existed_at)}"
        return None


@dataclass(frozen=True)
class Overrides:
    """What the restore call itself decided about the target; it takes precedence over the source's settings.

    Attributes:
        billing_mode: `PROVISIONED` or `PAY_PER_REQUEST`; None where the call left it as it was.
        provisioned_throughput, on_demand_throughput: whether the call set the table's.
        index_throughput: the names of global secondary indexes whose throughput the call set.
        index_warm_throughput: those whose warm throughput it set.
        indexes: kinds of indexes of which it chose those that are restored: `global`, `local`, `vector`.
        encryption: whether it chose the key.
    """

    billing_mode: str | None = None
    provisioned_throughput: bool = False
    on_demand_throughput: bool = False
    index_throughput: Sequence[str] = ()
    index_warm_throughput: Sequence[str] = ()
    indexes: Sequence[str] = ()
    encryption: bool = False


class Table:
    """One table: its name and clients, and what DescribeTable last said of it.

    `describe` calls AWS once and keeps the answer until `forget`, so that settings which read the same
    description share one call. A table is its TableId: the first answer pins it, and an answer that shows another one
    is an error.

    Attributes:
        identity: which table of that name this is, as far as it is known by now.
        replaced: whether an answer has shown that another table has the name.
        overrides: what the restore call itself decided about the table.
        own_mappings: UUIDs of event source mappings that this module attached to the table's stream; they are
            machinery, not settings.
        stream_is_new: whether the stream that the table has, or will have, is known to hold nothing but what was written to the
            table since it is a table of its own: nothing that was replayed into it. So it is once the table was seen without a
            stream, by this handle or by whoever made it.
        stream_waits: whether the table gets its stream at cutover only, so that what builds on it waits, too.
        listings_since: the second of the epoch from which on the account may have been listed for this table (`Listings`); None to
            list it anew.
    """

    def __init__(
        self,
        name: str,
        clients: Clients,
        description: TableDescriptionTypeDef | None = None,
        overrides: Overrides | None = None,
        own_mappings: Collection[str] = (),
        identity: Identity | None = None,
        *,
        stream_is_new: bool = False,
        stream_waits: bool = False,
        listings_since: float | None = None,
    ) -> None:
        self.name = name
        self.clients = clients
        self.overrides = overrides or Overrides()
        self.own_mappings = frozenset(own_mappings)
        self.identity = identity or Identity()
        self.replaced = False
        self.stream_is_new = stream_is_new
        self.stream_waits = stream_waits
        self.listings_since = listings_since
        self._description = None if description is None else self._checked(description)

    def describe(self) -> TableDescriptionTypeDef:
        """DescribeTable's `Table`.

        Raises:
            TableGoneError: there is no such table.
            AnotherTableError: there is another one of that name.
        """
        if self._description is None:
            description = describe_table(self.clients, self.name)
            if description is None:
                raise TableGoneError(f"table {self.name} does not exist")
            self._description = self._checked(description)
        return self._description

    def _checked(self, description: TableDescriptionTypeDef) -> TableDescriptionTypeDef:
        contradiction = self.identity.contradiction(description)
        if contradiction is not None:
            self.replaced = True
            raise AnotherTableError(
                f"table {self.name} was deleted; the table of that name is another one now, {contradiction}"
            )
        if self.identity.table_id is None:
            self.identity = replace(self.identity, table_id=description.get("TableId"))
        if not description.get("StreamSpecification", {}).get("StreamEnabled"):
            self.stream_is_new = True
        return description

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
        waiting: steps that can be taken once the table gets its stream, at cutover.
        chosen: what the target has otherwise because the restore call chose so, and what else is only to be known.
    """

    steps: tuple[Step, ...] = ()
    conflicts: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()


class Setting(Protocol):
    """One kind of setting: three idempotent operations, independent of restores.

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


@runtime_checkable
class ReadByName(Protocol):
    """A setting that AWS does not list by table: `read` goes through all that the account has. On the target, what is desired
    tells the names to ask for."""

    def read_named(self, table: Table, desired: State, *, applied: bool) -> Reading:
        """Read of the target what `diff` holds against `desired`, and nothing else.

        Args:
            applied: whether the steps have been carried out. What AWS takes only together with the rest need not be read then.

        Raises:
            ClientError, BotoCoreError, TableGoneError: as `read`.
        """
        ...


def read_target(setting: Setting, table: Table, desired: State, *, applied: bool = False) -> Reading:
    """Read a setting of the target, to be held against what is desired.

    Args:
        applied: as for `ReadByName`.

    Raises:
        ClientError, BotoCoreError, TableGoneError: from the setting.
    """
    if isinstance(setting, ReadByName):
        return setting.read_named(table, desired, applied=applied)
    return setting.read(table)


class CataloguedSetting(Setting, Protocol):
    """A setting of the registry.

    Attributes:
        catalogue: what Terraform and the documentation are to know of it.
    """

    catalogue: CatalogueEntry


class CannotApplyError(Exception):
    """A step that AWS refused for a reason that a person can repair; the text says how.

    Attributes:
        passes: whether AWS also refuses so, for some minutes, where nothing is to be mended: what was made or changed just
            now has not taken effect everywhere. Then it is tried again for a while before the text is told as advice.
    """

    def __init__(self, text: str, *, passes: bool = False) -> None:
        super().__init__(text)
        self.passes = passes


class StepOmitted(Exception):  # noqa: N818 - not an error: the report lists it with its reason
    """A step that makes no sense on this target, because of what was chosen for it; the text says why.

    Attributes:
        lacks: the setting without which it makes none, and which may be applied yet; None where nothing helps.
    """

    def __init__(self, text: str, *, lacks: str | None = None) -> None:
        super().__init__(f"{text}; see the setting `{lacks}`" if lacks else text)
        self.lacks = lacks
