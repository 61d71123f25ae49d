"""The parser of events and the restore worker."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from dynamodb_restore.aws import Clients
from dynamodb_restore.handlers import restore_worker
from dynamodb_restore.handlers.restore_worker import InvocationError
from tests.aws.names import table_arn
from tests.aws.queues import fits_sqs
from tests.fuzz.account import (
    MAX_ATTEMPTS,
    SOURCE,
    TARGET,
    DrawnAccount,
    deployed,
    failures,
    inhabited,
    jobs,
    records,
    registration,
    targets,
)
from tests.fuzz.damage import damaged_json, mostly, odd_texts, odd_values
from tests.fuzz.effort import Tried, fuzzed
from tests.fuzz.log import logged
from tests.unit.builders import EVENTS, event

# The tests reset warnings; an invocation that finds nothing to do has nothing to count.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

_EVENTS = sorted(path.stem for path in EVENTS.glob("*.json") if not path.stem.endswith(".expected"))
_SAID_WHY = ("nothing to follow", "nothing left to do", "report")


@pytest.fixture(autouse=True, scope="module")
def surroundings(clients: Clients) -> Iterator[None]:
    with deployed(clients):
        yield


@st.composite
def _events(draw: st.DrawFn) -> str:
    found = event(draw(st.sampled_from(_EVENTS)))
    return json.dumps(draw(st.just(found) | damaged_json(found)))


bodies: st.SearchStrategy[str] = mostly(_events(), odd_values.map(json.dumps) | odd_texts.filter(fits_sqs))


invocations: st.SearchStrategy[Any] = mostly(
    st.fixed_dictionaries(
        {"source": mostly(st.sampled_from([SOURCE, table_arn(SOURCE), TARGET]))},
        optional={
            "target": mostly(st.sampled_from([TARGET, table_arn(TARGET), SOURCE])),
            "dry_run": mostly(st.booleans()),
            "release": mostly(st.just(["ttl"])),
            "requested_by": mostly(st.sampled_from(["ana", None])),
        },
    ),
    odd_values
    | st.fixed_dictionaries({"source": st.just(SOURCE), "target": st.just(TARGET), "more": odd_values}),
)


_SENT_AGAIN = {"reason": {"StringValue": "still_waiting", "DataType": "String"}}
"""What a message carries that was on the secondary DLQ before."""


accounts = st.builds(
    DrawnAccount,
    target=targets,
    job=jobs,
    failing=failures,
    refuses_events=st.integers(0, 9).map(lambda number: number == 0),
)


stored: st.SearchStrategy[Sequence[Mapping[str, Any]]] = st.tuples(
    st.lists(st.just(registration()), max_size=1), st.just([]) | records
).map(lambda parts: [item for part in parts for item in part])


def test_every_message_ends_in_exactly_one_way_and_says_why(tried: Tried) -> None:
    @fuzzed(220)
    @given(
        body=bodies,
        attempt=st.integers(1, MAX_ATTEMPTS + 1),
        again=st.booleans(),
        account=accounts,
        items=stored,
    )
    def holds(
        body: str, attempt: int, again: bool, account: DrawnAccount, items: Sequence[Mapping[str, Any]]
    ) -> None:
        note(f"body: {body!r}")
        record = account.delivered(body, attempt, _SENT_AGAIN if again else {})
        with inhabited(account, items), logged() as lines:
            answer = restore_worker.handler({"Records": [record]}, account.context)
        tried.one(_ending(body, attempt, account, answer, lines))

    holds()
    tried.check_variety("comes back", "set aside", "nothing to follow", "nothing left to do", "report")


def _ending(
    body: str,
    attempt: int,
    account: DrawnAccount,
    answer: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
) -> str:
    """How a message ended; fails where it did not end in exactly one way that says why."""
    comes_back = answer == {"batchItemFailures": [{"itemIdentifier": "message-1"}]}
    assert comes_back or answer == {"batchItemFailures": []}
    assert comes_back or not account.hidden
    assert not any(operation == "ChangeMessageVisibility" for operation, _ in account.wire.refusals)
    if comes_back:
        assert account.dead_letters == []
        if attempt >= MAX_ATTEMPTS:
            assert "SendMessage" in account.failing, "the last attempt ends in the queue's own redrive"
        return "comes back"
    if account.dead_letters:
        (left,) = account.dead_letters
        assert left.body == body
        assert left.texts["reason"]
        assert left.texts["detail"]
        assert left.texts["attempts"] == str(attempt)
        assert [line["reason"] for line in lines if line["message"] == "given up"]
        return "set aside"
    (said,) = (line for line in lines if line["message"] in _SAID_WHY)
    assert said.get("reason") or said.get("report")
    return str(said["message"])


def test_a_direct_invocation_is_answered_with_a_report_or_with_what_to_send(tried: Tried) -> None:
    @fuzzed(250)
    @given(invocation=invocations, target=targets)
    def holds(invocation: Any, target: Mapping[str, Any] | None) -> None:
        account = DrawnAccount(target=target)
        with inhabited(account), logged():
            try:
                answer = restore_worker.handler(invocation, account.context)
            except InvocationError as error:
                refused = str(error)
            else:
                tried.one(json.loads(json.dumps(answer))["result"])
                return
        assert refused
        assert account.announced == []
        tried.one("refused")

    holds()
    tried.check_variety("refused", "dry_run", "synced")


def test_the_events_of_every_kind_are_among_what_is_damaged() -> None:
    kinds = {str(event(name).get("detail-type")) for name in _EVENTS}
    assert kinds >= {
        "AWS API Call via CloudTrail",
        "Restore Job State Change",
        "DynamoDB Table Restore Found",
    }
