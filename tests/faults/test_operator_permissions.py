"""Each operator action makes the calls that its permissions declare, and no others.

The policies of the operator function are generated from these declarations, so what is not declared is not permitted. That the
policies name the right resources is for `tests/terraform` and `tests/local`.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial

import pytest

from dynamodb_restore.actions import action as operator
from dynamodb_restore.actions.registry import ACTIONS as OPERATOR_ACTIONS
from tests.aws.hazards import Attempt
from tests.faults.actions import ACTIONS, Action, Answer, call, replaying
from tests.faults.estate import FAILURES, RESTORE_TABLE
from tests.faults.functions import Functions, World

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

Need = tuple[str, str]
"""A resource by its name in actions/permissions.py, and an action of IAM."""

_IAM_ACTIONS = {"s3:ListObjectsV2": "s3:ListBucket", "lambda:Invoke": "lambda:InvokeFunction"}
"""Of operations with another action than their own (tests/local_aws/permissions.py has the sources)."""

_RESOURCES = {
    "dynamodb:DescribeTable": "tables",
    "lambda:GetEventSourceMapping": "mappings",
    "lambda:InvokeFunction": "upkeep_functions",
    "lambda:UpdateEventSourceMapping": "switched_mappings",
    "events:PutEvents": "event_bus",
    "s3:GetObject": "given_up_changes",
    "s3:ListBucket": "failure_buckets",
    "sns:Publish": "topic",
    "sqs:GetQueueAttributes": "buffers",
}
"""What calls are about that are not on the restore table. Any other is one of a setting."""


def need_of(attempt: Attempt) -> Need:
    operation, about = attempt.call
    own = f"{attempt.service}:{operation}"
    action = _IAM_ACTIONS.get(own, own)
    if about == RESTORE_TABLE:
        return "restore_table", action
    return _RESOURCES.get(action, "a setting"), action


def _with_failed_records(functions: Functions) -> World:
    """Capture has given something up since the restore was requested."""
    world = replaying(functions)
    for key in list(world.account.objects.buckets[FAILURES]):
        world.account.objects.put(FAILURES, key, world.clock.now)
    return world


def _cut_over_and_abandon(functions: Functions, world: World) -> Answer:
    """Do what a person does who does not want to wait for the end of the watch."""
    call(functions, world, action="cutover", settle_seconds=2)
    return call(functions, world, action="abandon")


_MORE = (
    Action("status with failed records", _with_failed_records, partial(call, action="status")),
    Action("cutover with failed records", _with_failed_records, partial(call, action="cutover")),
    Action("abandon after cutover", replaying, _cut_over_and_abandon),
)


def _example_of(action: operator.Action) -> Action:
    """The action as the documentation shows it, while changes are replayed."""
    return Action(action.name, replaying, lambda functions, world: functions.operate(world, action.example))


def needed(functions: Functions) -> dict[str, set[Need]]:
    """What each operator action needed, in all histories together."""
    found: dict[str, set[Need]] = defaultdict(set)

    def note(attempt: Attempt) -> None:
        function, event = functions.running[-1]
        if function == "operator":
            found[event["action"]].add(need_of(attempt))

    for action in (*ACTIONS, *_MORE, *map(_example_of, OPERATOR_ACTIONS)):
        action.run(functions, action.start(functions).copy(note))
    return found


def test_every_action_needs_what_it_declares_and_nothing_else(functions: Functions) -> None:
    found = needed(functions)
    declared = {
        action.name: {
            (permission.resource.name, iam_action)
            for permission in action.permissions
            for iam_action in permission.iam_actions
        }
        for action in OPERATOR_ACTIONS
    }
    of_settings = {name: {need for need in needs if need[0] == "a setting"} for name, needs in found.items()}
    assert {name: needs - of_settings[name] for name, needs in found.items()} == declared
    applying = {action.name for action in OPERATOR_ACTIONS if action.applies_settings}
    assert {name for name, needs in of_settings.items() if needs} == applying
