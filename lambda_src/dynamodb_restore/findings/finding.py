"""What a finding is, and the shape of a search for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
        listings_since: the second of the epoch from which on another search may have read what this one needs of the account
            (`Listings`); None to read all anew.
    """

    partition: str
    region: str
    account: str
    name: str
    own_mappings: frozenset[str] = frozenset()
    listings_since: float | None = None

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


class NotCompleteError(Exception):
    """A search that could not look at everything; the text says what it did not see."""


class OutOfTimeError(NotCompleteError):
    """A search that could not look at everything in its time; the text says how far it came."""


@dataclass(frozen=True)
class TimeLeft:
    """Whether there is time to go on. It is asked before each call: `time_left()`.

    Attributes:
        enough: the answer.
        sleep: waits so many seconds.
        seconds: since whenever; they never run back.
    """

    enough: Callable[[], bool]
    sleep: Callable[[float], None]
    seconds: Callable[[], float]

    def __call__(self) -> bool:
        return self.enough()

    def at_most(self, calls_per_second: float) -> Callable[[], bool]:
        """The same question, answered no more often than that: who asks it before each call keeps to the rate.

        AWS counts the calls of all who use an API in an account and region. A search that reads all that there is leaves the
        larger part of the rate to those whose work does not wait.
        """
        next_turn = self.seconds()

        def enough_time() -> bool:
            nonlocal next_turn
            if (wait := next_turn - self.seconds()) > 0:
                self.sleep(wait)
            next_turn = max(next_turn, self.seconds()) + 1 / calls_per_second
            return self.enough()

        return enough_time


class Search(Protocol):
    """One place in which tables are named.

    Attributes:
        kind: the switch in the `findings` variable.
    """

    kind: str

    def find(
        self, source: TableId, target: TableId, clients: Clients, enough_time: TimeLeft
    ) -> Iterator[Finding]:
        """Find what names `source` and not `target`, at most one finding for each thing that does.

        Args:
            clients: the clients of the target's region.
            enough_time: whether there is time to go on; asked before each page, or thing, that is looked at. A search that takes
                many calls asks `enough_time.at_most(…)`.

        Raises:
            ClientError, BotoCoreError: from the calls; what was found before stands.
            NotCompleteError: the same, for want of time or where something could not be read.
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


@contextmanager
def noting_unread(what: str) -> Iterator[list[str]]:
    """Within this, a search lists the names of what it may not read, and goes on.

    Args:
        what: what the names are those of, such as `state machines`.

    Raises:
        NotCompleteError: something was listed; at the end, so that all else has been looked at.
    """
    unread: list[str] = []
    try:
        yield unread
    except OutOfTimeError as error:
        if not unread:
            raise
        raise OutOfTimeError(f"{error}, and {_unread(what, unread)}") from error
    if unread:
        raise NotCompleteError(_unread(what, unread))


def _unread(what: str, names: Sequence[str]) -> str:
    return f"{what} that could not be read: {listed(names)}"


_MOST_NAMES = 5


def listed(names: Iterable[str]) -> str:
    """Some names in their order, and how many more there are."""
    ordered = sorted(names)
    more = len(ordered) - _MOST_NAMES
    return ", ".join(ordered[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
