"""The operator function."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_restore.actions.action import Action
from dynamodb_restore.actions.registry import ACTIONS
from dynamodb_restore.aws import Clients
from dynamodb_restore.handlers import operator
from dynamodb_restore.payload import REQUIRED
from dynamodb_restore.pipeline.claim import ClaimState
from dynamodb_restore.pipeline.obstacles import ACCEPTABLE
from tests.aws.names import table_arn
from tests.fuzz.account import (
    SOURCE,
    TARGET,
    DrawnAccount,
    deployed,
    inhabited,
    records,
    registration,
    targets,
)
from tests.fuzz.damage import mostly, odd_values
from tests.fuzz.effort import Tried, fuzzed
from tests.fuzz.log import logged
from tests.unit.builders import TARGET_ID
from tests.unit.changes.makers import NOON

# The tests reset warnings; an invocation that finds nothing to do has nothing to count.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

_TIMES = mostly(
    st.sampled_from(["2026-11-22T07:00:00Z", "2026-11-22T09:00:00Z", 1795330800]),
    st.sampled_from([None, "9" * 400, -1, "1e300"]),
)


@pytest.fixture(autouse=True, scope="module")
def surroundings(clients: Clients) -> Iterator[None]:
    with deployed(clients):
        yield


def _claim(state: ClaimState) -> dict[str, Any]:
    return {
        "pk": {"S": f"pipeline#{SOURCE}"},
        "sk": {"S": "claim"},
        "restore_id": {"S": TARGET_ID},
        "target": {"S": TARGET},
        "state": {"S": state.value},
        "claimed_at": {"N": str(NOON)},
        "window_start": {"N": str(NOON)},
        "window_chosen": {"BOOL": False},
        "covered_from": {"N": str(NOON - 9)},
        "version": {"N": "3"},
    }


_QUARANTINED = {
    "pk": {"S": f"quarantine#{TARGET_ID}"},
    "sk": {"S": "a"},
    "key": {"S": '{"id": {"S": "a"}}'},
    "reason": {"S": "wrong type"},
    "sequence": {"S": "1"},
    "time": {"N": str(NOON)},
}

_stored: st.SearchStrategy[Sequence[Mapping[str, Any]]] = st.tuples(
    mostly(st.just([registration()]), st.just([])),
    mostly(st.builds(_claim, st.sampled_from(ClaimState)).map(lambda claim: [claim]), st.just([])),
    mostly(records, st.just([])),
    st.lists(st.just(_QUARANTINED), max_size=1),
).map(lambda parts: [item for part in parts for item in part])

_VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "table": st.sampled_from([SOURCE, SOURCE, table_arn(SOURCE), TARGET]),
    "target": st.sampled_from([TARGET, table_arn(TARGET)]),
    "settings": mostly(st.just(["ttl"]), st.lists(st.sampled_from(["ttl", "tags", "tll"]))),
    "start": _TIMES,
    "end": _TIMES,
    "accept": st.lists(st.sampled_from(ACCEPTABLE), max_size=3),
    "settle_seconds": st.sampled_from([0, 1, 60, 2.5, 3600]),
}
"""Of fields that an example and odd values do not try well enough."""


def _payloads(action: Action) -> st.SearchStrategy[Any]:
    """Payloads of one action, most of which it takes."""
    values = {
        field.name: mostly(_VALUES.get(field.name, st.just(field.example) | st.booleans()))
        for field in action.fields
    }
    required = {field.name for field in action.fields if field.default is REQUIRED}
    return st.tuples(
        st.fixed_dictionaries(
            {
                "action": mostly(st.just(action.name)),
                **{name: value for name, value in values.items() if name in required},
            },
            optional={name: value for name, value in values.items() if name not in required},
        ),
        # A field of another action, or of none.
        mostly(st.just({}), st.dictionaries(st.sampled_from([*_VALUES, "more"]), odd_values, max_size=1)),
    ).map(lambda parts: {**parts[1], **parts[0]})


_invocations: st.SearchStrategy[Any] = mostly(st.one_of([_payloads(action) for action in ACTIONS]))


def test_any_invocation_is_answered(tried: Tried) -> None:
    @fuzzed(700)
    @given(invocation=_invocations, items=_stored, target=targets)
    def holds(invocation: Any, items: Sequence[Mapping[str, Any]], target: Mapping[str, Any] | None) -> None:
        account = DrawnAccount(target=target)
        with inhabited(account, items), logged() as lines:
            answer = operator.handler(invocation, account.context)
        tried.one(_ending(invocation, account, answer, lines))

    holds()
    tried.check_variety("refused", *(action.name for action in ACTIONS))


def _ending(
    invocation: Any,
    account: DrawnAccount,
    answer: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
) -> str:
    """What was done; fails where the answer is none, or something was done that was refused."""
    assert answer
    json.dumps(answer).encode()
    if "error" not in answer:
        # Repair and bring_in are done by the upkeep function, which says so too.
        (done,) = {line["action"] for line in lines if line["message"] == "done"}
        assert done == invocation["action"]
        return str(done)
    assert isinstance(answer["error"], str)
    assert answer["error"]
    assert {line["reason"] for line in lines if line["message"] == "refused"} == {answer["error"]}
    assert (account.announced, account.switched, account.dead_letters) == ([], [], [])
    return "refused"
