"""Write items to the target: BatchWriteItem in parallel, and what AWS leaves undone again.

Every write here is the last change of its item within one invocation, so writes do not depend on each other
and may run in any order.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from dynamodb_restore.aws import AwsError, Clients, ErrorClass, classify, explain, refuses_item
from dynamodb_restore.backoff import Backoff
from dynamodb_restore.changes.change import Change, Kind, item_id, sdk_attributes

_ITEMS_PER_WRITE = 25
_KEYS_PER_READ = 100
"""BatchWriteItem and BatchGetItem (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html).
25 items of 400 KB stay below the call's 16 MB."""

_PARALLEL_CALLS = 8
_BACKOFF = Backoff(base_seconds=0.05, rate=2, cap_seconds=5, jitter=0.8)


@dataclass(frozen=True)
class Clock:
    """Time, as replay sees it.

    Attributes:
        monotonic: seconds that never run back.
        deadline: the monotonic second at which no more writes may begin.
    """

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    deadline: float
    rng: random.Random

    @property
    def expired(self) -> bool:
        """Whether the deadline has passed."""
        return self.monotonic() >= self.deadline

    def pause(self, seconds: float) -> bool:
        """Sleep, unless the deadline would pass meanwhile; False then."""
        if self.monotonic() + seconds >= self.deadline:
            return False
        self.sleep(seconds)
        return True


class WriteRate:
    """A limit on write units (one for each begun KB of an item) a second, shared by parallel calls."""

    def __init__(self, units_per_second: float | None, clock: Clock) -> None:
        self._units_per_second = units_per_second
        self._clock = clock
        self._free_at = clock.monotonic()
        self._lock = threading.Lock()

    def take(self, units: int) -> bool:
        """Wait until `units` may be written; False where the deadline comes first."""
        if self._units_per_second is None:
            return True
        with self._lock:
            start = max(self._free_at, self._clock.monotonic())
            self._free_at = start + units / self._units_per_second
        wait = start - self._clock.monotonic()
        return wait <= 0 or self._clock.pause(wait)


@dataclass
class Written:
    """What became of a set of changes.

    Attributes:
        done: ids of the changes that the target has taken.
        refused: id of a change to why the target refused that item.
        problem: why the rest, which is in neither, was not written; None where there is no rest.
        refused_for_good: whether that is something that no retry mends, such as a missing permission.
    """

    done: set[int] = field(default_factory=set)
    refused: dict[int, str] = field(default_factory=dict)
    problem: str | None = None
    refused_for_good: bool = False

    def add(self, other: Written) -> None:
        """Take up what another call came to."""
        self.refused_for_good |= other.refused_for_good
        self.done |= other.done
        self.refused |= other.refused
        self.problem = other.problem or self.problem


@dataclass(frozen=True)
class _Write:
    """One request of BatchWriteItem, with the id of the change behind it and the id of its item."""

    number: int
    item: str
    key_names: tuple[str, ...]
    request: Mapping[str, Any]
    units: int


def parallel_calls() -> Executor:
    """Where the writer's calls run."""
    return ThreadPoolExecutor(_PARALLEL_CALLS)


_OUT_OF_TIME = "this invocation has no time left for more"


class TargetWriter:
    """Writes changes into one target table, reading images that did not travel from the source."""

    def __init__(
        self,
        clients: Clients,
        source: str,
        target: str,
        clock: Clock,
        rate: WriteRate,
        executor: Callable[[], Executor] = parallel_calls,
    ) -> None:
        self._dynamodb = clients.dynamodb
        self._source = source
        self._target = target
        self._clock = clock
        self._rate = rate
        self._executor = executor

    def write(self, changes: Mapping[int, Change]) -> Written:
        """Write each item's last change.

        Args:
            changes: by an id of the caller's choice; no item twice.
        """
        written = Written()
        with self._executor() as calls:
            not_at_hand = (Kind.READ, Kind.OBJECT)
            reads = {number: change for number, change in changes.items() if change.kind in not_at_hand}
            ready = [
                _write_of(number, change)
                for number, change in changes.items()
                if change.kind not in not_at_hand
            ]
            for fetched, part in calls.map(self._fetch, _chunks(reads.items(), _KEYS_PER_READ)):
                ready += fetched
                written.add(part)
            for part in calls.map(self._write_batch, _chunks(ready, _ITEMS_PER_WRITE)):
                written.add(part)
        return written

    def _fetch(self, reads: Sequence[tuple[int, Change]]) -> tuple[list[_Write], Written]:
        """Read the items' present state from the source: what is there is put, what is not is deleted.

        Returns:
            What is to be written, and what became of the rest.
        """
        names = list(reads[0][1].key)
        keys: list[Any] = [sdk_attributes(change.key) for _, change in reads]
        found: dict[str, Any] = {}
        attempt = 0
        while keys:
            attempt += 1
            if self._clock.expired:
                return [], Written(problem=_OUT_OF_TIME)
            try:
                answer = self._dynamodb.batch_get_item(
                    RequestItems={self._source: {"Keys": keys, "ConsistentRead": True}}
                )
            except AwsError as error:
                if refuses_item(error):
                    return self._fetch_singly(reads, explain(error))
                if classify(error) is ErrorClass.RETRY and self._pause(attempt):
                    continue
                return [], Written(problem=explain(error), refused_for_good=_is_for_good(error))
            for item in answer.get("Responses", {}).get(self._source, []):
                found[item_id({name: item[name] for name in names})] = item
            unprocessed = answer.get("UnprocessedKeys", {})
            keys = list(unprocessed[self._source]["Keys"]) if self._source in unprocessed else []
            if keys and not self._pause(attempt):
                return [], Written(problem="BatchGetItem: keys left unprocessed")
        writes = [_write_of(number, change, found.get(item_id(change.key))) for number, change in reads]
        return writes, Written()

    def _fetch_singly(self, reads: Sequence[tuple[int, Change]], reason: str) -> tuple[list[_Write], Written]:
        """One key that is none of the source's fails the whole call, and AWS does not say which."""
        if len(reads) == 1:
            return [], Written(refused={reads[0][0]: reason})
        writes: list[_Write] = []
        rest = Written()
        for read in reads:
            fetched, part = self._fetch([read])
            writes += fetched
            rest.add(part)
        return writes, rest

    def _write_batch(self, writes: Sequence[_Write]) -> Written:
        """Write up to 25 items, and those again that AWS returns unprocessed."""
        written = Written()
        left = {write.item: write for write in writes}
        attempt = 0
        while left:
            attempt += 1
            if self._clock.expired:
                written.problem = _OUT_OF_TIME
                return written
            if not self._rate.take(sum(write.units for write in left.values())):
                written.problem = "the write-rate limit leaves no time for more in this invocation"
                return written
            requests = [write.request for write in left.values()]
            try:
                answer = self._dynamodb.batch_write_item(RequestItems={self._target: requests})  # type: ignore[dict-item]
            except AwsError as error:
                if refuses_item(error):
                    # One bad item fails the whole call, and AWS does not say which: each goes alone.
                    written.add(self._write_singly(left.values()))
                    return written
                if classify(error) is ErrorClass.RETRY and self._pause(attempt):
                    continue
                written.problem, written.refused_for_good = explain(error), _is_for_good(error)
                return written
            unprocessed = self._items_of(answer.get("UnprocessedItems", {}).get(self._target, []), writes)
            written.done |= {write.number for item, write in left.items() if item not in unprocessed}
            left = {item: write for item, write in left.items() if item in unprocessed}
            if left and not self._pause(attempt):
                written.problem = "BatchWriteItem: items left unprocessed"
                return written
        return written

    def _items_of(self, requests: Sequence[Mapping[str, Any]], writes: Sequence[_Write]) -> set[str]:
        """The ids of the items in returned requests, which AWS may write in another form than it was sent."""
        names = writes[0].key_names
        attributes = [
            request["PutRequest"]["Item"] if "PutRequest" in request else request["DeleteRequest"]["Key"]
            for request in requests
        ]
        return {item_id({name: found[name] for name in names}) for found in attributes}

    def _pause(self, attempt: int) -> bool:
        return self._clock.pause(_BACKOFF.delay(attempt, self._clock.rng))

    def _write_singly(self, writes: Iterable[_Write]) -> Written:
        written = Written()
        for write in writes:
            attempt = 0
            while True:
                attempt += 1
                if self._clock.expired:
                    written.problem = _OUT_OF_TIME
                    return written
                try:
                    self._write_one(write.request)
                except AwsError as error:
                    if refuses_item(error):
                        written.refused[write.number] = explain(error)
                    elif classify(error) is ErrorClass.RETRY and self._pause(attempt):
                        continue
                    else:
                        written.problem, written.refused_for_good = explain(error), _is_for_good(error)
                        return written
                else:
                    written.done.add(write.number)
                break
        return written

    def _write_one(self, request: Mapping[str, Any]) -> None:
        if "PutRequest" in request:
            self._dynamodb.put_item(TableName=self._target, Item=request["PutRequest"]["Item"])
        else:
            self._dynamodb.delete_item(TableName=self._target, Key=request["DeleteRequest"]["Key"])


def _write_of(number: int, change: Change, found: Mapping[str, Any] | None = None) -> _Write:
    """The request that carries out a change.

    Args:
        found: for a change that travelled as its key, the source's present item in boto3's form.
    """
    image = sdk_attributes(change.image) if change.image is not None else found
    key = item_id(change.key), tuple(change.key)
    if image is None:
        return _Write(number, *key, {"DeleteRequest": {"Key": sdk_attributes(change.key)}}, units=1)
    return _Write(number, *key, {"PutRequest": {"Item": dict(image)}}, units=_units(image))


def _units(image: Mapping[str, Any]) -> int:
    """About the write units of an item: one for each begun KB
    (docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html)."""
    return 1 + len(repr(image)) // 1024


def _is_for_good(error: BaseException) -> bool:
    return classify(error) is ErrorClass.GIVE_UP


_Element = TypeVar("_Element")


def _chunks(elements: Iterable[_Element], size: int) -> Iterator[list[_Element]]:
    remaining = iter(elements)
    while chunk := list(islice(remaining, size)):
        yield chunk
