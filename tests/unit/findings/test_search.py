"""Findings: what a search tells, and what becomes of one that cannot look everywhere."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ReadTimeoutError

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.finding import (
    Finding,
    NotCompleteError,
    OutOfTimeError,
    TableId,
    TimeLeft,
    in_time,
    listed,
    noting_unread,
)
from dynamodb_restore.findings.registry import SEARCHES
from dynamodb_restore.findings.search import find_all, find_most
from tests.unit.fakes import ACCOUNT, REGION, Aws, Clock, client_error, table_arn
from tests.unit.findings.holders import put_in_front, time_left, up_after

SOURCE = TableId.parse(table_arn("orders"))
TARGET = TableId.parse(table_arn("orders-restored"))


always = TimeLeft(enough=lambda: True, sleep=lambda _: None, seconds=lambda: 0.0)


class Shelf:
    """A search that finds jars, and then breaks: each time, or as often as it is said."""

    def __init__(
        self, kind: str, *jars: str, error: Exception | None = None, times: float = math.inf
    ) -> None:
        self.kind = kind
        self.jars = jars
        self.error = error
        self.times = times
        self.asked: list[tuple[TableId, TableId]] = []

    def find(
        self, source: TableId, target: TableId, clients: Clients, enough_time: Callable[[], bool]
    ) -> Iterator[Finding]:
        self.asked.append((source, target))
        for jar in self.jars:
            yield Finding(self.kind, jar, "empty it")
        if self.error is not None and len(self.asked) <= self.times:
            raise self.error


def test_a_table_is_known_by_its_arn() -> None:
    assert TableId("aws", REGION, ACCOUNT, "orders") == SOURCE
    assert SOURCE.arn == table_arn("orders")
    china = "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/a.b"
    assert TableId.parse(china).arn == china
    for text in ("orders", "arn:aws:s3:::orders"):
        with pytest.raises(ValueError, match=text):
            TableId.parse(text)


def test_a_finding_survives_the_record() -> None:
    finding = Finding("dashboards", "dashboard shop", "add it")
    assert Finding.from_json(json.loads(json.dumps(finding.as_json()))) == finding


def test_only_what_is_switched_on_is_searched(clients: Clients) -> None:
    cellar, attic, garage = Shelf("cellar", "plums"), Shelf("attic", "pears"), Shelf("garage", "oil")
    switches = {"cellar": True, "attic": False}
    found = find_all(switches, SOURCE, TARGET, clients, always, [cellar, attic, garage])
    assert found == [Finding("cellar", "plums", "empty it")]
    assert cellar.asked == [(SOURCE, TARGET)]
    assert attic.asked == garage.asked == []


def test_the_order_is_that_of_the_searches_and_then_of_the_names(clients: Clients) -> None:
    searches = [Shelf("b", "pears", "apples"), Shelf("a", "figs")]
    found = find_all({"a": True, "b": True}, SOURCE, TARGET, clients, always, searches)
    assert [finding.name for finding in found] == ["apples", "pears", "figs"]


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (
            client_error("ListDashboards", "AccessDenied", "not authorized"),
            "ListDashboards: AccessDenied: not authorized; look for orders there",
        ),
        (
            client_error("ListDashboards", "ThrottlingException", "Rate exceeded"),
            "ListDashboards: ThrottlingException: Rate exceeded; look for orders there",
        ),
        (
            OutOfTimeError("the time was up after 3 jars"),
            "the time was up after 3 jars; look for orders there",
        ),
        (
            NotCompleteError("jars that could not be read: a, b"),
            "jars that could not be read: a, b; look for orders there",
        ),
    ],
)
def test_a_search_that_breaks_keeps_what_it_found_and_stops_no_other(
    clients: Clients, error: Exception, advice: str
) -> None:
    searches = [Shelf("b", "pears", "apples", error=error), Shelf("a", "figs")]
    assert find_all({"a": True, "b": True}, SOURCE, TARGET, clients, always, searches) == [
        Finding("b", "apples", "empty it"),
        Finding("b", "pears", "empty it"),
        Finding("b", "not everything was looked at", advice),
        Finding("a", "figs", "empty it"),
    ]


@pytest.mark.parametrize("times", [1, 2])
def test_a_search_that_breaks_in_passing_is_run_again_and_is_complete_then(
    clients: Clients, times: int
) -> None:
    throttled = client_error("ListDashboards", "ThrottlingException", "Rate exceeded")
    search = Shelf("cellar", "plums", error=throttled, times=times)
    found = find_all({"cellar": True}, SOURCE, TARGET, clients, always, [search])
    assert found == [Finding("cellar", "plums", "empty it")]
    assert len(search.asked) == times + 1


def test_a_search_that_got_no_answer_is_not_run_again(clients: Clients) -> None:
    """It would take as long once more, and the message waits for its end."""
    hangs = ReadTimeoutError(endpoint_url="https://monitoring")
    search = Shelf("cellar", "plums", error=hangs)
    found, trouble = find_all({"cellar": True}, SOURCE, TARGET, clients, always, [search])
    assert (found.name, trouble.name) == ("plums", "not everything was looked at")
    assert len(search.asked) == 1


def test_time_is_asked_for_before_each_call() -> None:
    calls: list[int] = []

    def pages() -> Iterator[int]:
        for number in range(5):
            calls.append(number)
            yield number

    time = iter([True, True, False])
    seen = in_time(pages(), lambda: next(time), "pages")
    assert [next(seen), next(seen)] == [0, 1]
    with pytest.raises(OutOfTimeError, match="the time was up after 2 pages"):
        next(seen)
    assert calls == [0, 1]


def test_what_ends_in_time_is_complete() -> None:
    assert list(in_time(range(3), always, "pages")) == [0, 1, 2]


def test_what_is_asked_before_each_call_keeps_to_the_rate() -> None:
    """However long a call takes, and without making up for the time in which nothing was called."""
    naps: list[float] = []
    now = 100.0
    in_turn = TimeLeft(lambda: True, sleep=naps.append, seconds=lambda: now + sum(naps)).at_most(4)
    assert in_turn()
    assert naps == []
    assert in_turn()
    assert naps == [0.25]
    now += 0.1
    assert in_turn()
    assert naps == [0.25, pytest.approx(0.15)]
    now += 10
    assert in_turn()
    assert in_turn()
    assert naps == [0.25, pytest.approx(0.15), pytest.approx(0.25)]


def test_a_rate_does_not_change_the_answer() -> None:
    in_turn = time_left(up_after(2)).at_most(10)
    assert [in_turn(), in_turn(), in_turn()] == [True, True, False]


def test_a_search_sleeps_by_the_pace_of_its_function_and_ends_within_its_time(
    aws: Aws, clients: Clients, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 120 seconds it leaves four calls: at five functions a second it sees 360 pages of one."""
    holders, _ = put_in_front(aws, monkeypatch)
    for number in range(400):
        holders.add_function(f"function-{number:03}", TABLE="customers")
    (finding,) = find_most({"function_environments": True}, SOURCE, TARGET, clients, clock.pace())
    assert finding.name == "not everything was looked at"
    assert len(aws.named("ListFunctions")) == pytest.approx(360, abs=1)
    assert finding.advice == (
        f"the time was up after {len(aws.named('ListFunctions'))} pages of functions; look for orders there"
    )
    assert clock.slept_seconds == pytest.approx(72, abs=0.3)


def test_names_are_listed_up_to_five() -> None:
    assert listed(["b", "a"]) == "a, b"
    assert listed("edcba") == "a, b, c, d, e"
    assert listed("gfedcba") == "a, b, c, d, e and 2 more"


def test_what_could_not_be_read_is_told_at_the_end() -> None:
    with noting_unread("jars"):
        pass
    with (
        pytest.raises(NotCompleteError, match=r"^jars that could not be read: a, b$"),
        noting_unread("jars") as unread,
    ):
        unread += ["b", "a"]
    with pytest.raises(OutOfTimeError, match=r"^it is late$"), noting_unread("jars"):
        raise OutOfTimeError("it is late")
    with pytest.raises(OutOfTimeError, match=r"^it is late, and jars that could not be read: a$"):
        _late_with_an_unread_jar()


def _late_with_an_unread_jar() -> None:
    with noting_unread("jars") as unread:
        unread.append("a")
        raise OutOfTimeError("it is late")


def test_every_search_has_its_switch() -> None:
    kinds = [search.kind for search in SEARCHES]
    assert {"backup_selections", "dashboards"} <= set(kinds)
    # The longest comes last.
    assert kinds[-1] == "parameters"
