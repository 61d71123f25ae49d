"""The bundle decoder and the replay function."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from dynamodb_restore import aws as aws_module
from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.bundle import BundleError, decode
from dynamodb_restore.changes.change import Change, Kind, item_id, sdk_attributes
from dynamodb_restore.changes.quarantine import Quarantine
from dynamodb_restore.handlers import replay
from dynamodb_restore.store import pipeline_partition
from tests.aws.account import Account
from tests.aws.attributes import Item, Schema
from tests.aws.botocore_door import BotocoreDoor
from tests.aws.clock import InlineExecutor, VirtualClock
from tests.aws.errors import client_error
from tests.aws.hazards import Attempt, Fault, Mode
from tests.aws.items import Table
from tests.aws.lambda_runtime import Delivery, QueuePoller, context
from tests.aws.names import queue_url
from tests.aws.queues import Message
from tests.aws.wire import Wire
from tests.fuzz.bundles import KEYS, Sent, batches, stored
from tests.fuzz.damage import odd_texts
from tests.fuzz.effort import Tried, fuzzed
from tests.fuzz.log import logged
from tests.unit.changes.makers import NOON

# The tests reset warnings; an invocation that finds nothing to do has nothing to count.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

_ENVIRONMENT = {
    "SOURCE_TABLE_NAME": "source",
    "RESTORE_TABLE_NAME": "restores",
    "BUFFER_URL": queue_url("buffer.fifo"),
    "BUFFER_DEAD_LETTER_URL": queue_url("aside.fifo"),
    "BUFFER_ID": "buffer-1",
    "FAILURE_BUCKET": "failures",
    "IMAGE_PREFIX": "images/",
    "WRITE_UNITS_PER_SECOND": "",
}
_WINDOW_START = NOON - 2
_REFUSED = "refused"
"""The target has an index on this attribute, as text: DynamoDB refuses an item in which it is anything else."""

_SCHEMA = Schema({"pk": "B", "sk": "N"})


class ReplayAccount:
    """The AWS around replay: two tables with the restore table, the buffer with its DLQ, and operations that fail."""

    def __init__(self, failing_operations: frozenset[str] = frozenset()) -> None:
        self.aws = Account(VirtualClock(NOON))
        self.source = self.aws.items.make("source", pk="B", sk="N")
        self.target = self.aws.items.make("target", indexed={_REFUSED: "S"}, pk="B", sk="N")
        self.aws.items.make("restores", pk="S", sk="S")
        for name in ("buffer.fifo", "aside.fifo"):
            self.aws.queues.make(name)
        self.aws.objects.buckets["failures"] = {}
        self._failing = failing_operations
        self.wire = Wire(self.aws, [self._denied])
        self._poller = QueuePoller(self.aws, _ENVIRONMENT["BUFFER_URL"])
        self.aws.items.put(
            "restores",
            {
                "pk": {"S": pipeline_partition("source")},
                "sk": {"S": "claim"},
                "restore_id": {"S": "restore-1"},
                "target": {"S": "target"},
                "state": {"S": "replaying"},
                "claimed_at": {"N": str(NOON)},
                "window_start": {"N": str(_WINDOW_START)},
                "window_chosen": {"BOOL": False},
                "version": {"N": "1"},
            },
        )

    def _denied(self, attempt: Attempt) -> Fault | None:
        """The restore table works: where it does not, the whole invocation fails."""
        operation, resource = attempt.call
        if operation not in self._failing or resource == "restores":
            return None
        return Fault(Mode.REFUSED, client_error(operation, "AccessDeniedException", "not yours"))

    @property
    def aside(self) -> list[Message]:
        """What was set aside."""
        return list(self.aws.queues.queues[_ENVIRONMENT["BUFFER_DEAD_LETTER_URL"]].messages.values())

    def delivered(self, messages: Sequence[Sent]) -> Delivery:
        """Messages of the buffer as Lambda delivers them, all at once."""
        for sent in messages:
            self.aws.queues.put(self._poller.url, sent.body, group=sent.group)
        delivery = self._poller.receive()
        assert delivery is not None
        assert [record["body"] for record in delivery.records] == [sent.body for sent in messages]
        return delivery

    def handled(self, delivery: Delivery) -> list[str]:
        """The ids of the messages that the function wants back; the others are deleted."""
        told = context("dynamodb-restore-orders-replay", self.aws.clock, 60)
        with _door.to(self.wire), self.wire.invocation(), logged():
            answer = replay.handler({"Records": list(delivery.records)}, told)
        assert answer.keys() == {"batchItemFailures"}
        back = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
        self._poller.finish(delivery, back)
        return back

    def delivered_again(self) -> Delivery:
        """The messages that came back, once all of them are visible."""
        for message in self.aws.queues.queues[self._poller.url].messages.values():
            self.aws.clock.wait_until(message.visible_at)
        return self._poller.receive() or Delivery([])

    def quarantined(self, clients: Clients) -> set[str]:
        with _door.to(self.wire):
            return {item_id(item.key) for item in Quarantine(clients, "restores", "restore-1").items()}


_door = BotocoreDoor(writes_down=True)


@pytest.fixture(autouse=True)
def function(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The function's environment, on virtual time and in one thread."""
    clock = VirtualClock(1000.0)
    # All functions of a process share them, and one that counted nothing leaves its table's name there.
    replay.metrics.clear_metrics()
    for name, value in _ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws_module, "clients", lambda: clients)
    monkeypatch.setattr(
        replay,
        "time",
        SimpleNamespace(monotonic=lambda: clock.now, sleep=clock.sleep, time=lambda: NOON + clock.now),
    )
    with _door.opened(), mock.patch("dynamodb_restore.pace.parallel_calls", InlineExecutor):
        yield


def readable(sent: Sent) -> tuple[Change, ...] | None:
    """The changes of a message; None where it is to be set aside."""
    if sent.sound is not None:
        return sent.sound
    if not sent.group.isdecimal():
        return None
    try:
        return tuple(decode(sent.body))
    except BundleError:
        return None


def item(number: str, value: int) -> Item:
    return {**sdk_attributes(KEYS[int(number)]), "n": {"N": str(value)}}


_failing = st.just(frozenset[str]()) | st.frozensets(
    st.sampled_from(["SendMessage", "BatchWriteItem", "BatchGetItem"]), max_size=2
)


def test_unreadable_bundles_are_set_aside_or_come_back_and_nothing_is_overtaken(
    clients: Clients, tried: Tried
) -> None:
    @fuzzed(150)
    @given(messages=batches, before=stored, now=stored, failing_operations=_failing)
    def holds(
        messages: list[Sent],
        before: dict[str, int],
        now: dict[str, int],
        failing_operations: frozenset[str],
    ) -> None:
        note(f"damages: {[sent.damage for sent in messages]}")
        account = ReplayAccount(failing_operations)
        for number, value in now.items():
            account.aws.items.put("source", item(number, value))
        for number, value in before.items():
            account.aws.items.put("target", item(number, value))
        delivery = account.delivered(messages)
        found = [readable(sent) for sent in messages]

        back = account.handled(delivery)
        may_come_back = bool(failing_operations)
        _check_what_comes_back(messages, found, delivery.ids, back, account.aside, may_come_back)
        account.wire.hazards.clear()
        delivery = account.delivered_again()
        assert set(delivery.ids) == set(back)
        again = account.handled(delivery)
        quarantined = account.quarantined(clients)

        assert again == []
        assert sorted(aside.body for aside in account.aside) == sorted(
            sent.body for sent, changes in zip(messages, found, strict=True) if changes is None
        )
        _check_items(messages, found, before, account, quarantined)
        tried.one("back and done" if back else "aside" if account.aside else "done at once")

    holds()
    tried.check_variety("back and done", "aside", "done at once")


def _check_what_comes_back(
    messages: Sequence[Sent],
    found: Sequence[tuple[Change, ...] | None],
    ids: Sequence[str],
    back: Sequence[str],
    aside: Sequence[Message],
    may_come_back: bool,
) -> None:
    """What comes back takes all that is behind it in its group along, and no unreadable message is just gone."""
    assert len(set(back)) == len(back)
    assert back == [] or may_come_back
    stopped: set[str] = set()
    reasons = {(left.body, left.group): left.texts["reason"] for left in aside}
    for message_id, sent, changes in zip(ids, messages, found, strict=True):
        if message_id in back:
            stopped.add(sent.group)
            continue
        assert sent.group not in stopped, f"{message_id} has overtaken a message of its group that comes back"
        assert changes is not None or reasons[sent.body, sent.group]


def _check_items(
    messages: Sequence[Sent],
    found: Sequence[tuple[Change, ...] | None],
    before: Mapping[str, int],
    account: ReplayAccount,
    quarantined: set[str],
) -> None:
    """Each item is what its last readable change made of it, or is in quarantine."""
    table = account.target
    expected: dict[str, Item | None] = {
        table.schema.key_of(item(number, value)): item(number, value) for number, value in before.items()
    }
    groups: dict[str, set[str]] = {}
    for sent, changes in zip(messages, found, strict=True):
        for change in changes or ():
            if change.time < _WINDOW_START:
                continue
            if not _SCHEMA.fits(sdk_attributes(change.key), exactly=True):
                if change.image is None or not _SCHEMA.fits(sdk_attributes(change.image)):
                    assert item_id(change.key) in quarantined
                    continue
                # Put by its image, whatever was said to be its key: an item that nothing here orders.
                groups.setdefault(table.schema.key_of(sdk_attributes(change.image)), set()).update(
                    {"", sent.group}
                )
                continue
            name = table.schema.key_of(sdk_attributes(change.key))
            groups.setdefault(name, set()).add(sent.group)
            expected[name] = _made_by(change, account.source)
    for name in expected.keys() | table.items.keys():
        wanted = expected.get(name)
        if len(groups.get(name, ())) > 1:
            # A damage that put the item into a group that is not its own: nothing orders one group by another.
            continue
        if wanted is not None and _REFUSED in wanted:
            assert item_id(_key_of(wanted)) in quarantined
        else:
            assert _without_key(table.items.get(name)) == _without_key(wanted), name


def _key_of(image: Item) -> dict[str, Any]:
    return {name: image[name] for name in _SCHEMA.key}


def _without_key(image: Item | None) -> Item | None:
    """The rest of an item: its key can be written in several ways."""
    return (
        None if image is None else {name: value for name, value in image.items() if name not in _SCHEMA.key}
    )


def _made_by(change: Change, source: Table) -> Item | None:
    match change.kind:
        case Kind.PUT:
            return sdk_attributes(change.image or {})
        case Kind.DELETE:
            return None
        case Kind.READ | Kind.OBJECT:
            return source.items.get(source.schema.key_of(sdk_attributes(change.key)))


def test_no_text_makes_the_decoder_fail_otherwise_than_by_its_own_error(tried: Tried) -> None:
    @fuzzed(200)
    @given(body=odd_texts | st.binary(max_size=60).map(lambda found: base64.b64encode(found).decode()))
    def holds(body: str) -> None:
        with pytest.raises(BundleError, match=r"."):
            decode(body)
        tried.one("refused")

    holds()


def test_the_environment_is_the_tests_own() -> None:
    """No credential of this machine is within reach of what is tried here."""
    assert os.environ["AWS_ACCESS_KEY_ID"] == "testing"
