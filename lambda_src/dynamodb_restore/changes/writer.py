"""Write items to the target: BatchWriteItem in parallel, with retries of unprocessed items.

Every write here is the last change of its item within one round, so writes do not depend on each other and may run
in any order. They begin in the order of the changes that are given, so that what is left, where time runs out, is the
end of them.

The SDK does not retry these writes: an attempt that got no answer can take effect after its retry, and after the write
of a later change. Such an item is told as `uncertain` and not written again here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from dynamodb_restore.aws import (
    AwsError,
    Clients,
    ErrorClass,
    classify,
    explain,
    outcome_unknown,
    refuses_item,
)
from dynamodb_restore.backoff import Backoff
from dynamodb_restore.changes.change import Attributes, Change, Kind, item_id, sdk_attributes
from dynamodb_restore.changes.images import ImageError, ImageStore
from dynamodb_restore.pace import Clock, UnitRate

_ITEMS_PER_WRITE = 25
_KEYS_PER_READ = 100
"""BatchWriteItem and BatchGetItem (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html).
25 items of 400 KB stay below the call's 16 MB."""

_SECONDS_PER_WRITE = 1.0
"""Of a write limit, what one call may use: the next call of this invocation, or the next invocation, can wait as long."""

_BYTES_PER_READ_UNIT = 4096
"""docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html"""

_BYTES_OF_AN_UNKNOWN_ITEM = 64 * 1024
"""More than most items have; the largest have 400 KB."""

_BACKOFF = Backoff(base_seconds=0.05, rate=2, cap_seconds=5, jitter=0.8)


@dataclass
class Written:
    """What became of a set of changes.

    Attributes:
        done: ids of the changes that the target has taken.
        refused: id of a change to why the target refused that item.
        uncertain: ids of the changes whose request got no certain answer: it may take effect at any time.
        problem: why the rest, which is in none of these, was not written; None where there is no rest.
        failed: whether anything but a lack of time, or of the write rate, is to blame for that.
        refused_for_good: whether that is something that no retry mends, such as a missing permission.
    """

    done: set[int] = field(default_factory=set)
    refused: dict[int, str] = field(default_factory=dict)
    uncertain: set[int] = field(default_factory=set)
    problem: str | None = None
    failed: bool = False
    refused_for_good: bool = False

    @classmethod
    def failing(cls, error: BaseException) -> Written:
        """Nothing, because of an error."""
        return cls(
            problem=explain(error), failed=True, refused_for_good=classify(error) is ErrorClass.GIVE_UP
        )

    def add(self, other: Written) -> None:
        """Take up what another call came to."""
        self.done |= other.done
        self.refused |= other.refused
        self.uncertain |= other.uncertain
        self.problem = other.problem or self.problem
        self.failed = other.failed or self.failed
        self.refused_for_good |= other.refused_for_good


@dataclass(frozen=True)
class _Write:
    """One request of BatchWriteItem, with the id of the change behind it and the item's key."""

    number: int
    key: Attributes
    request: Mapping[str, Any]
    units: int


OUT_OF_TIME = "this invocation has no time left for more"
_OUT_OF_UNITS = "the write-rate limit leaves no time for more in this invocation"


class TargetWriter:
    """Writes changes into one target table, and reads images that are not in the message from where they are."""

    def __init__(
        self,
        clients: Clients,
        source: str,
        target: str,
        clock: Clock,
        calls: Executor,
        *,
        write_rate: UnitRate,
        read_rate: UnitRate,
        images: ImageStore,
    ) -> None:
        self._dynamodb = clients.dynamodb
        self._writes = clients.dynamodb_once
        self._source = source
        self._target = target
        self._clock = clock
        self._calls = calls
        self._write_rate = write_rate
        self._read_rate = read_rate
        self._images = images
        self._largest_read: int | None = None

    @property
    def read_bytes(self) -> int:
        """About the bytes of an item that is yet to be read: as many as the largest read so far."""
        return _BYTES_OF_AN_UNKNOWN_ITEM if self._largest_read is None else self._largest_read

    def write(self, changes: Mapping[int, Change]) -> Written:
        """Write each item's last change, in the order given as far as calls begin one after another.

        Args:
            changes: by an id of the caller's choice; no item twice.
        """
        written = Written()
        ready: dict[int, _Write] = {}
        reads: list[tuple[int, Change]] = []
        objects: list[tuple[int, Change, str]] = []
        for number, change in changes.items():
            if change.image_object is not None:
                objects.append((number, change, change.image_object))
            elif change.kind is Kind.READ:
                reads.append((number, change))
            else:
                ready[number] = self._write_of(number, change, change.image)
        for found, part in self._calls.map(lambda each: self._fetch_object(*each), objects):
            ready |= found
            written.add(part)
        for writes, part in self._calls.map(self._fetch, _chunks(reads, _KEYS_PER_READ)):
            ready |= {write.number: write for write in writes}
            written.add(part)
        self._write_all([ready[number] for number in changes if number in ready], written)
        return written

    def _write_of(
        self, number: int, change: Change, image: Attributes | None, found: Mapping[str, Any] | None = None
    ) -> _Write:
        """The request that carries out a change.

        Args:
            image: the item after the change, in the form of Lambda's events.
            found: for a change that travelled as its key, the source's present item in boto3's form.
        """
        item = sdk_attributes(image) if image is not None else found
        if item is None:
            request = {"DeleteRequest": {"Key": sdk_attributes(change.key)}}
            return _Write(number, change.key, request, units=1)
        units = _units(item) if self._write_rate.limited else 1
        return _Write(number, change.key, {"PutRequest": {"Item": item}}, units)

    def _write_all(self, ready: Sequence[_Write], written: Written) -> None:
        begun = []
        for batch in self._batches(ready):
            # Units are taken here and not by the parallel calls, so that they go to the first changes first.
            if not self._write_rate.take(sum(write.units for write in batch)):
                written.problem = _OUT_OF_UNITS
                break
            begun.append(self._calls.submit(self._write_batch, batch))
        for call in begun:
            written.add(call.result())

    def _batches(self, ready: Sequence[_Write]) -> Iterator[list[_Write]]:
        most_units = self._write_rate.units_in(_SECONDS_PER_WRITE)
        batch: list[_Write] = []
        units = 0
        for write in ready:
            if batch and (len(batch) == _ITEMS_PER_WRITE or units + write.units > most_units):
                yield batch
                batch, units = [], 0
            batch.append(write)
            units += write.units
        if batch:
            yield batch

    def _fetch_object(self, number: int, change: Change, key: str) -> tuple[dict[int, _Write], Written]:
        if self._clock.expired:
            return {}, Written(problem=OUT_OF_TIME)
        try:
            image = self._images.get(key)
        except ImageError as error:
            return {}, Written(refused={number: str(error)})
        except AwsError as error:
            return {}, Written.failing(error)
        return {number: self._write_of(number, change, image)}, Written()

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
            if self._clock.expired or not self._read_rate.take(len(keys)):
                return [], Written(problem=OUT_OF_TIME)
            try:
                answer = self._dynamodb.batch_get_item(
                    RequestItems={self._source: {"Keys": keys, "ConsistentRead": True}}
                )
            except AwsError as error:
                if refuses_item(error):
                    return self._fetch_singly(reads, explain(error))
                if classify(error) is ErrorClass.RETRY and self._pause(attempt):
                    continue
                return [], Written.failing(error)
            for item in answer.get("Responses", {}).get(self._source, []):
                found[item_id({name: item[name] for name in names})] = item
                self._count_read(len(repr(item)))
            unprocessed = answer.get("UnprocessedKeys", {})
            keys = list(unprocessed[self._source]["Keys"]) if self._source in unprocessed else []
            if keys and not self._pause(attempt):
                return [], Written(problem="BatchGetItem: keys left unprocessed", failed=True)
        writes = [
            self._write_of(number, change, None, found.get(item_id(change.key))) for number, change in reads
        ]
        return writes, Written()

    def _count_read(self, size: int) -> None:
        """Count what an item took above the unit that was taken for its key."""
        self._read_rate.spend(size // _BYTES_PER_READ_UNIT)
        self._largest_read = max(self._largest_read or 0, size)

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
        left = list(writes)
        attempt = 0
        while left:
            attempt += 1
            if self._clock.expired:
                written.problem = OUT_OF_TIME
                return written
            if attempt > 1 and not self._write_rate.take(sum(write.units for write in left)):
                written.problem = _OUT_OF_UNITS
                return written
            requests = [write.request for write in left]
            try:
                answer = self._writes.batch_write_item(RequestItems={self._target: requests})  # type: ignore[dict-item]
            except AwsError as error:
                if refuses_item(error):
                    # One bad item fails the whole call, and AWS does not say which: each goes alone.
                    written.add(self._write_singly(left))
                    return written
                if outcome_unknown(error):
                    # Nothing of it is written again by this invocation: whichever attempt landed last would win.
                    written.uncertain |= {write.number for write in left}
                elif classify(error) is ErrorClass.RETRY and self._pause(attempt):
                    continue
                written.add(Written.failing(error))
                return written
            unprocessed = _named_in(answer.get("UnprocessedItems", {}).get(self._target, []), left)
            written.done |= {write.number for write in left if write.number not in unprocessed}
            left = [write for write in left if write.number in unprocessed]
            if left and not self._pause(attempt):
                written.problem, written.failed = "BatchWriteItem: items left unprocessed", True
                return written
        return written

    def _pause(self, attempt: int) -> bool:
        return self._clock.pause(_BACKOFF.delay(attempt, self._clock.rng))

    def _write_singly(self, writes: Iterable[_Write]) -> Written:
        written = Written()
        for write in writes:
            attempt = 0
            while True:
                attempt += 1
                if self._clock.expired:
                    written.problem = OUT_OF_TIME
                    return written
                try:
                    self._write_one(write.request)
                except AwsError as error:
                    if refuses_item(error):
                        written.refused[write.number] = explain(error)
                        break
                    if outcome_unknown(error):
                        written.uncertain.add(write.number)
                    elif classify(error) is ErrorClass.RETRY and self._pause(attempt):
                        continue
                    written.add(Written.failing(error))
                    return written
                else:
                    written.done.add(write.number)
                break
        return written

    def _write_one(self, request: Mapping[str, Any]) -> None:
        if "PutRequest" in request:
            self._writes.put_item(TableName=self._target, Item=request["PutRequest"]["Item"])
        else:
            self._writes.delete_item(TableName=self._target, Key=request["DeleteRequest"]["Key"])


def _named_in(requests: Sequence[Mapping[str, Any]], writes: Sequence[_Write]) -> set[int]:
    """The ids of the writes that returned requests are about; AWS may write a key in another form than it was sent."""
    if not requests:
        return set()
    names = list(writes[0].key)
    numbers = {item_id(write.key): write.number for write in writes}
    attributes = [
        request["PutRequest"]["Item"] if "PutRequest" in request else request["DeleteRequest"]["Key"]
        for request in requests
    ]
    return {numbers[item_id({name: found[name] for name in names})] for found in attributes}


def _units(image: Mapping[str, Any]) -> int:
    """About the write units of an item: one for each KB, rounded up
    (docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html)."""
    return 1 + len(repr(image)) // 1024


_Element = TypeVar("_Element")


def _chunks(elements: Iterable[_Element], size: int) -> Iterator[list[_Element]]:
    remaining = iter(elements)
    while chunk := list(islice(remaining, size)):
        yield chunk
