"""The bundle decoder and the replay function."""

from __future__ import annotations

import base64
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from unittest import mock

import pytest
from botocore import xform_name
from hypothesis import given, note
from hypothesis import strategies as st
from typing_extensions import override

from dynamodb_restore import aws as aws_module
from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.bundle import BundleError, decode
from dynamodb_restore.changes.change import Change, Kind, item_id, sdk_attributes
from dynamodb_restore.changes.progress import pipeline_partition
from dynamodb_restore.changes.quarantine import Quarantine
from dynamodb_restore.handlers import replay
from tests.fuzz.bundles import KEYS, Sent, batches, stored
from tests.fuzz.damage import odd_texts
from tests.fuzz.effort import Tried, fuzzed
from tests.fuzz.wire import DeadLetters, answered_by, logged
from tests.simulation.services import (
    InlineExecutor,
    Item,
    MemoryTable,
    Tables,
    VirtualClock,
    Wire,
    is_refused,
)
from tests.unit.changes.makers import NOON
from tests.unit.fakes import client_error

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from botocore.client import BaseClient

# The tests reset warnings; an invocation that finds nothing to do has nothing to count.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

_ENVIRONMENT = {
    "SOURCE_TABLE_NAME": "source",
    "RESTORE_TABLE_NAME": "restores",
    "BUFFER_URL": "https://sqs/buffer.fifo",
    "BUFFER_DEAD_LETTER_URL": "https://sqs/aside.fifo",
    "BUFFER_ID": "buffer-1",
    "WRITE_UNITS_PER_SECOND": "",
}
_FIRST_SEQUENCE = 18_849_496_460_467_696_128
_WINDOW_START = NOON - 2

_EXACT = Context(prec=38)
_SCHEMA = {"pk": "B", "sk": "N"}


class NumberedTable(MemoryTable):
    """A table that knows a number however it is written, as DynamoDB does."""

    @override
    def key_of(self, attributes: Mapping[str, Any]) -> str:
        return repr([(name, *map(_plain, attributes[name].items())) for name in self.key_names])


def _plain(pair: tuple[str, Any]) -> tuple[str, Any]:
    kind, value = pair
    return (kind, Decimal(value).normalize(_EXACT) + 0) if kind == "N" else (kind, value)


@dataclass
class Account:
    """The AWS around replay: tables in memory, a FIFO DLQ, and operations that fail."""

    source: MemoryTable = field(default_factory=lambda: NumberedTable(("pk", "sk")))
    target: MemoryTable = field(default_factory=lambda: NumberedTable(("pk", "sk")))
    restores: MemoryTable = field(default_factory=lambda: MemoryTable(("pk", "sk")))
    aside: DeadLetters = field(default_factory=lambda: DeadLetters(_ENVIRONMENT["BUFFER_DEAD_LETTER_URL"]))
    failing: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        wire = Wire(VirtualClock(0.0), random.Random(1))
        self._tables = Tables(wire, source=self.source, target=self.target, restores=self.restores)
        self.restores.put(
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
            }
        )

    def answer(self, client: BaseClient, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        # The restore table works: where it does not, the whole invocation fails.
        if operation in self.failing and "restores" not in parameters.get("RequestItems", {}):
            raise client_error(operation, "AccessDeniedException", "not yours")
        match operation:
            case "SendMessage":
                return self.aside.send(parameters)
            case "ChangeMessageVisibilityBatch":
                return {"Successful": [{"Id": entry["Id"]} for entry in parameters["Entries"]], "Failed": []}
            case "Query":
                (page, *_) = list(self._tables.paginate(**parameters))
                return page
            case _:
                _check_schema(operation, parameters)
                answer: dict[str, Any] = getattr(self._tables, xform_name(operation))(**parameters)
                return answer

    def quarantined(self, clients: Clients) -> set[str]:
        return {item_id(item.key) for item in Quarantine(clients, "restores", "restore-1").items()}


def _fits_schema(attributes: Mapping[str, Mapping[str, Any]], *, exactly: bool = False) -> bool:
    """Whether an item has a key as the tables have it, or is one."""
    whole = not exactly or len(attributes) == len(_SCHEMA)
    return whole and all(attributes.get(name, {}).keys() == {kind} for name, kind in _SCHEMA.items())


def _check_schema(operation: str, parameters: Mapping[str, Any]) -> None:
    """Refuse what is no key of the source and the target."""
    asked = parameters.get("RequestItems", {parameters.get("TableName"): [parameters]})
    ((table, requests),) = asked.items()
    if table == "restores":
        return
    for request in requests["Keys"] if operation == "BatchGetItem" else requests:
        inner = request.get("PutRequest") or request.get("DeleteRequest") or request
        attributes = inner.get("Item") or inner.get("Key") or inner
        if not _fits_schema(attributes, exactly="Item" not in inner):
            raise client_error(
                operation, "ValidationException", "The provided key element does not match the schema"
            )


@dataclass
class Invocation:
    """What Lambda tells a function of its invocation."""

    function_name: str = "dynamodb-restore-orders-replay"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = (
        "arn:aws:lambda:eu-central-1:123456789012:function:dynamodb-restore-orders-replay"
    )
    aws_request_id: str = "11111111-2222-3333-4444-555555555555"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.fixture(autouse=True)
def function(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The function's environment, on virtual time and in one thread."""
    clock = VirtualClock(1000.0)
    for name, value in _ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws_module, "clients", lambda: clients)
    monkeypatch.setattr(
        replay,
        "time",
        SimpleNamespace(monotonic=lambda: clock.now, sleep=clock.sleep, time=lambda: NOON + clock.now),
    )
    with mock.patch("dynamodb_restore.changes.clock.parallel_calls", InlineExecutor):
        yield


def delivered(messages: Sequence[Sent]) -> list[dict[str, Any]]:
    return [
        {
            "messageId": f"m{number}",
            "receiptHandle": f"handle-{number}",
            "body": sent.body,
            "attributes": {
                "MessageGroupId": sent.group,
                "SequenceNumber": str(_FIRST_SEQUENCE + number),
                "SentTimestamp": str(NOON * 1000),
            },
        }
        for number, sent in enumerate(messages)
    ]


def handled(records: Sequence[Mapping[str, Any]]) -> list[str]:
    with logged():
        answer = replay.handler({"Records": list(records)}, cast("LambdaContext", Invocation()))
    assert answer.keys() == {"batchItemFailures"}
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


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
    @given(messages=batches, before=stored, now=stored, failing=_failing)
    def holds(
        messages: list[Sent], before: dict[str, int], now: dict[str, int], failing: frozenset[str]
    ) -> None:
        note(f"damages: {[sent.damage for sent in messages]}")
        account = Account(failing=failing)
        for number, value in now.items():
            account.source.put(item(number, value))
        for number, value in before.items():
            account.target.put(item(number, value))
        records = delivered(messages)
        found = [readable(sent) for sent in messages]

        with answered_by(account.answer):
            back = handled(records)
            _check_what_comes_back(messages, found, back, account)
            account.failing = frozenset()
            again = handled([record for record in records if record["messageId"] in back])
            quarantined = account.quarantined(clients)

        assert again == []
        assert sorted(aside.body for aside in account.aside.messages) == sorted(
            sent.body for sent, changes in zip(messages, found, strict=True) if changes is None
        )
        _check_items(messages, found, before, account, quarantined)
        tried.one("back and done" if back else "aside" if account.aside.messages else "done at once")

    holds()
    tried.check_variety("back and done", "aside", "done at once")


def _check_what_comes_back(
    messages: Sequence[Sent],
    found: Sequence[tuple[Change, ...] | None],
    back: Sequence[str],
    account: Account,
) -> None:
    """What comes back takes all that is behind it in its group along, and no unreadable message is just gone."""
    assert len(set(back)) == len(back)
    assert back == [] or account.failing
    stopped: set[str] = set()
    aside = {(left.body, left.group): left.attributes["reason"] for left in account.aside.messages}
    for number, (sent, changes) in enumerate(zip(messages, found, strict=True)):
        if f"m{number}" in back:
            stopped.add(sent.group)
            continue
        assert sent.group not in stopped, f"m{number} has overtaken a message of its group that comes back"
        assert changes is not None or aside[sent.body, sent.group]


def _check_items(
    messages: Sequence[Sent],
    found: Sequence[tuple[Change, ...] | None],
    before: Mapping[str, int],
    account: Account,
    quarantined: set[str],
) -> None:
    """Each item is what its last readable change made of it, or is in quarantine."""
    table = account.target
    expected: dict[str, Item | None] = {
        table.key_of(item(number, value)): item(number, value) for number, value in before.items()
    }
    groups: dict[str, set[str]] = {}
    for sent, changes in zip(messages, found, strict=True):
        for change in changes or ():
            if change.time < _WINDOW_START:
                continue
            if not _fits_schema(change.key, exactly=True):
                if change.image is None or not _fits_schema(change.image):
                    assert item_id(change.key) in quarantined
                    continue
                # Put by its image, whatever was said to be its key: an item that nothing here orders.
                groups.setdefault(table.key_of(sdk_attributes(change.image)), set()).update({"", sent.group})
                continue
            name = table.key_of(sdk_attributes(change.key))
            groups.setdefault(name, set()).add(sent.group)
            expected[name] = _made_by(change, account.source)
    for name in expected.keys() | table.items.keys():
        wanted = expected.get(name)
        if len(groups.get(name, ())) > 1:
            # A damage that put the item into a group that is not its own: nothing orders one group by another.
            continue
        if wanted is not None and is_refused(wanted):
            assert item_id(_key_of(wanted)) in quarantined
        else:
            assert _without_key(table.items.get(name)) == _without_key(wanted), name


def _key_of(image: Item) -> dict[str, Any]:
    return {name: image[name] for name in _SCHEMA}


def _without_key(image: Item | None) -> Item | None:
    """The rest of an item: its key can be written in several ways."""
    return None if image is None else {name: value for name, value in image.items() if name not in _SCHEMA}


def _made_by(change: Change, source: MemoryTable) -> Item | None:
    match change.kind:
        case Kind.PUT:
            return sdk_attributes(change.image or {})
        case Kind.DELETE:
            return None
        case Kind.READ | Kind.OBJECT:
            return source.items.get(source.key_of(sdk_attributes(change.key)))


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
