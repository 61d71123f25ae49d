"""Listings of the account: shared for a minute, resumed where they failed, and bounded."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from dynamodb_restore import listings as module
from dynamodb_restore.listings import Listings

PAGES: dict[str | None, tuple[list[Any], str | None]] = {
    None: ([1, {"a": [2.5, None]}], "second"),
    "second": ([], "third"),
    "third": (["ü"], None),
}
ALL = [page for page, _ in PAGES.values()]


class Service:
    """Three pages, and what was asked for."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked: list[str | None] = []
        self.fails_at: str | None = "never"
        self.listings = Listings(lambda: self.now)

    def ask(self, token: str | None) -> tuple[list[Any], str | None]:
        self.asked.append(token)
        if token == self.fails_at:
            raise ConnectionError(token)
        return PAGES[token]

    def read(self, *, since: float | None, name: str = "things") -> list[list[Any]]:
        self.asked.clear()
        return list(self.listings.pages(name, self.ask, since))


@pytest.fixture
def service() -> Service:
    return Service()


def test_whoever_allows_it_shares_a_listing_for_a_minute(service: Service) -> None:
    assert service.read(since=990.0) == ALL
    assert service.asked == [None, "second", "third"]
    service.now += 60
    assert service.read(since=990.0) == ALL
    assert service.asked == []
    service.now += 0.1
    assert service.read(since=990.0) == ALL
    assert len(service.asked) == 3


@pytest.mark.parametrize("since", [1000.5, None])
def test_a_listing_that_began_too_early_is_asked_for_again(service: Service, since: float | None) -> None:
    service.read(since=990.0)
    service.now += 1
    service.read(since=since)
    assert len(service.asked) == 3


def test_each_listing_is_shared_by_its_name(service: Service) -> None:
    service.read(since=0.0)
    service.read(since=0.0, name="others")
    assert len(service.asked) == 3


def test_a_listing_that_failed_goes_on_at_its_page(service: Service) -> None:
    service.fails_at = "second"
    for _ in range(2):
        with pytest.raises(ConnectionError):
            service.read(since=1000.0)
    assert service.asked == ["second"]
    service.fails_at = "never"
    assert service.read(since=1000.0) == ALL
    assert service.asked == ["second", "third"]


@pytest.mark.parametrize("since", [1000.5, None])
def test_a_listing_that_failed_for_somebody_else_before_begins_anew(
    service: Service, since: float | None
) -> None:
    """What changed on its first pages since is not to be missed."""
    service.fails_at = "second"
    with pytest.raises(ConnectionError):
        service.read(since=1000.0)
    service.fails_at = "never"
    service.now += 1
    service.read(since=since)
    assert service.asked == [None, "second", "third"]


def test_a_listing_that_failed_begins_anew_after_a_minute(service: Service) -> None:
    service.fails_at = "third"
    with pytest.raises(ConnectionError):
        service.read(since=0.0)
    service.fails_at = "never"
    service.now += 61
    service.read(since=0.0)
    assert service.asked == [None, "second", "third"]


def test_a_listing_that_is_forgotten_begins_anew(service: Service) -> None:
    service.fails_at = "third"
    with pytest.raises(ConnectionError):
        service.read(since=0.0)
    service.listings.forget("things")
    with pytest.raises(ConnectionError):
        service.read(since=0.0)
    assert service.asked == [None, "second", "third"]


def test_what_grows_too_large_is_read_to_its_end_and_not_kept(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 2_000)
    noise = random.Random(1).randbytes(4_000).hex()
    large: dict[str | None, tuple[list[Any], str | None]] = {None: ([noise], "2"), "2": (["end"], None)}
    packed: list[Any] = []

    def compress(text: bytes, level: int) -> bytes:
        packed.append(text)
        return text

    monkeypatch.setattr(zlib, "compress", compress)
    assert list(service.listings.pages("large", large.__getitem__, 0.0)) == [[noise], ["end"]]
    assert (service.listings.kept_bytes, len(packed)) == (0, 1)


def test_what_is_kept_is_small(service: Service) -> None:
    """Ten thousand alarms, as they are kept, of a function of 256 MB."""
    alarm = {
        "AlarmName": "orders-9999/throttled-reads",
        "AlarmArn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:orders-9999/throttled-reads",
        "AlarmActions": ["arn:aws:sns:eu-central-1:123456789012:pager"],
        "MetricName": "ReadThrottleEvents",
        "Namespace": "AWS/DynamoDB",
        "Dimensions": [{"Name": "TableName", "Value": "orders-9999"}],
        "Threshold": 5.0,
    }

    def ask(token: str | None) -> tuple[list[Any], str | None]:
        number = int(token or 0)
        page = [{**alarm, "AlarmName": f"{random.Random(number * 100 + i).random()}"} for i in range(100)]
        return page, str(number + 1) if number < 99 else None

    assert sum(map(len, service.listings.pages("alarms", ask, 0.0))) == 10_000
    assert 0 < service.listings.kept_bytes < 1_000_000


# What several operations come to ----------------------------------------------------------------------------------


class Reader:
    """Things that are read one after the other, and how many were."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.read = 0
        self.fails_after: int | None = None

    def things(self) -> Iterator[Any]:
        for thing in (["a", {"n": 1}], ["b", None], ["c", None]):
            if self.read == self.fails_after:
                raise ConnectionError(str(thing))
            self.read += 1
            yield thing

    def all(self, since: float | None = 0.0) -> list[Any]:
        self.read = 0
        return list(self.service.listings.things("things", self.things, since))


def test_what_was_read_to_its_end_is_shared_for_five_minutes(service: Service) -> None:
    reader = Reader(service)
    first = reader.all()
    assert reader.read == 3
    service.now += 300
    assert (reader.all(), reader.read) == (first, 0)
    service.now += 0.1
    assert (reader.all(), reader.read) == (first, 3)


@pytest.mark.parametrize("since", [1000.5, None])
def test_what_was_read_too_early_is_read_again(service: Service, since: float | None) -> None:
    reader = Reader(service)
    reader.all()
    service.now += 1
    reader.all(since)
    assert reader.read == 3


def test_what_was_not_read_to_its_end_is_not_shared(service: Service) -> None:
    reader = Reader(service)
    reader.fails_after = 2
    with pytest.raises(ConnectionError):
        reader.all()
    reader.fails_after = None
    assert next(iter(service.listings.things("things", reader.things, 0.0))) == ["a", {"n": 1}]
    reader.all()
    assert reader.read == 3


def test_what_was_read_and_is_too_large_is_not_kept(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 10)
    Reader(service).all()
    assert service.listings.kept_bytes == 0
