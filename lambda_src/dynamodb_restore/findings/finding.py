"""What a finding is, and the shape of a search for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from dynamodb_restore.aws import Clients, table_ref
from dynamodb_restore.findings.catalogue import CatalogueEntry

_T = TypeVar("_T")


@dataclass(frozen=True)
class TableId:
    """Which table is meant, by the parts of its ARN; it may not exist any more.

    Attributes:
        own_mappings: UUIDs of event source mappings that this module attached to the table's stream: nobody else's to look after.
    """

    partition: str
    region: str
    account: str
    name: str
    own_mappings: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, arn: str) -> TableId:
        """The table of an ARN.

        Raises:
            ValueError: it is not the ARN of a table.
        """
        ref = table_ref(arn)
        if ref.region is None or ref.account is None:
            raise ValueError(f"{arn!r} is not the ARN of a table")
        return cls(arn.split(":")[1], ref.region, ref.account, ref.name)

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:dynamodb:{self.region}:{self.account}:table/{self.name}"


@dataclass(frozen=True)
class Finding:
    """One thing that names the source table and does not name the target.

    Attributes:
        kind: the search that found it, and its switch.
        name: what was found, in words that lead a person to it.
        advice: what a person can do about it.
    """

    kind: str
    name: str
    advice: str

    def as_json(self) -> dict[str, Any]:
        """The finding as JSON values, for the report and the restore record."""
        return {"kind": self.kind, "name": self.name, "advice": self.advice}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Finding:
        """The finding that `as_json` wrote."""
        return cls(value["kind"], value["name"], value["advice"])


class OutOfTimeError(Exception):
    """A search that could not look at everything in its time; the text says how far it came."""


class Search(Protocol):
    """One place in which tables are named.

    Attributes:
        kind: the switch in the `findings` variable.
    """

    kind: str

    def find(
        self, source: TableId, target: TableId, clients: Clients, enough_time: Callable[[], bool]
    ) -> Iterator[Finding]:
        """Find what names `source` and not `target`, at most one finding for each thing that does.

        Args:
            clients: the clients of the target's region.
            enough_time: whether there is time to go on; asked before each page, or thing, that is looked at.

        Raises:
            ClientError, BotoCoreError: from the calls; what was found before stands.
            OutOfTimeError: the same, for want of time.
        """
        ...


class CataloguedSearch(Search, Protocol):
    """A search of the registry.

    Attributes:
        catalogue: what Terraform and the documentation are to know of it.
    """

    catalogue: CatalogueEntry


def in_time(calls: Iterable[_T], enough_time: Callable[[], bool], what: str) -> Iterator[_T]:
    """What each step of `calls` gives, as long as there is time for another one.

    Raises:
        OutOfTimeError: there is not.
    """
    iterator = iter(calls)
    seen = 0
    while True:
        if not enough_time():
            raise OutOfTimeError(f"the time was up after {seen} {what}")
        try:
            result = next(iterator)
        except StopIteration:
            return
        seen += 1
        yield result
