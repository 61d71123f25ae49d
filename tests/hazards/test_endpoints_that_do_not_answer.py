"""An endpoint hangs: connections are accepted, or not, and no answer comes, for minutes or for days.

Each call then costs all attempts of the client with all their timeouts. Two such calls took longer than the function may
run, so Lambda ended it, and every redelivery after it: nothing was applied, or all was and nobody was told.
"""

from __future__ import annotations

import pytest

from dynamodb_restore.settings.registry import SETTINGS
from tests.aws.errors import ProcessDeath
from tests.aws.hazards import Attempt, Call, Fault, Mode
from tests.faults.actions import deliver_all
from tests.faults.estate import MAX_ATTEMPTS
from tests.faults.functions import Functions, World
from tests.hazards.restore_runs import calls, deliver_next, record, reports, restoring, target

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

FUNCTION_SECONDS = 120.0

OTHERS = (
    "application-autoscaling", "appsync", "backup", "cloudwatch", "iam", "lambda", "pipes", "ssm", "stepfunctions",
)  # fmt: skip
"""Services that settings and searches ask, and that no part of following a restore needs."""

ALL_NAMES = {setting.name for setting in SETTINGS}


def hangs(world: World, *services: str, mode: Mode = Mode.TIMED_OUT) -> None:
    """Let every call of a service hang from now on."""

    def hazard(attempt: Attempt) -> Fault | None:
        return Fault(mode) if attempt.service in services else None

    world.wire.hazards.append(hazard)


def timed(functions: Functions, world: World) -> float:
    """Deliver the next message that is due; how many seconds the function took."""
    messages = world.account.queues.queues
    due = min(m.visible_at for queue in messages.values() for m in queue.messages.values())
    world.clock.wait_until(due)
    began = world.clock.now
    deliver_next(functions, world)
    return world.clock.now - began


@pytest.mark.parametrize("mode", [Mode.TIMED_OUT, Mode.UNREACHABLE])
@pytest.mark.parametrize("service", OTHERS)
def test_a_service_that_hangs_keeps_nothing_else_from_the_table(
    functions: Functions, service: str, mode: Mode
) -> None:
    world = restoring()
    hangs(world, service, mode=mode)
    assert timed(functions, world) < FUNCTION_SECONDS
    assert world.deaths == 0
    assert target(world).recovery_days == 7
    assert target(world).description["DeletionProtectionEnabled"]
    assert target(world).ttl["TimeToLiveStatus"] == "ENABLED"
    assert target(world).tags["team"] == "checkout"


@pytest.mark.parametrize("service", OTHERS)
def test_a_service_that_hangs_for_days_is_reported(functions: Functions, service: str) -> None:
    world = restoring()
    hangs(world, service)
    deliver_all(functions, world)
    assert world.deaths == 0
    (report,) = reports(world)
    failed = {outcome["setting"] for outcome in report["settings"] if outcome["status"] == "failed"}
    expected = {
        "application-autoscaling": {"auto_scaling", "replicas"},
        "cloudwatch": {"cloudwatch_alarms"},
        "lambda": {"stream_triggers"},
    }
    assert failed == expected.get(service, set())
    assert report["attempts"] == (MAX_ATTEMPTS if failed else 1)


def test_searches_that_hang_come_after_the_report(functions: Functions) -> None:
    world = restoring()
    hangs(world, "appsync", "backup", "iam", "pipes", "ssm", "stepfunctions")
    world.wire.hazards.append(
        lambda attempt: Fault(Mode.TIMED_OUT) if "Dashboard" in attempt.call.operation else None
    )
    assert timed(functions, world) < FUNCTION_SECONDS
    assert [report["result"] for report in reports(world)] == ["synced"]
    assert record(world)["state"] == {"S": "synced"}
    made = calls(world)
    assert made.index("PutEvents") < min(made.index("ListBackupPlans"), made.index("ListDashboards"))


def test_what_protects_is_applied_before_another_service_is_asked(functions: Functions) -> None:
    world = restoring()
    functions.deliver(world)
    services = {"ListTagsOfResource", "DescribeScalableTargets", "DescribeAlarms", "ListEventSourceMappings"}
    made = calls(world)
    applied = made.index("UpdateContinuousBackups"), made.index("UpdateTable")
    # The control tag says whether anything is to be done at all.
    asked = [made.index(name) for name in services - {"ListTagsOfResource"}]
    assert max(applied) < min(asked)


@pytest.mark.parametrize("service", ["dynamodb", "events", "sns", "sqs"])
def test_what_following_a_restore_needs_may_hang_and_the_function_ends_in_its_time(
    functions: Functions, service: str
) -> None:
    start = restoring(active=service != "sqs")
    whole = start.copy()
    functions.deliver(whole)
    first = min(i for i, call in enumerate(whole.wire.calls) if _is_of(call, service))
    for number in {first, first + 20, first + 60} if service == "dynamodb" else {first}:
        world = start.copy(
            lambda attempt, number=number: (  # type: ignore[misc]
                Fault(Mode.TIMED_OUT) if attempt.service == service and attempt.number >= number else None
            )
        )
        for _ in range(3):
            assert timed(functions, world) < FUNCTION_SECONDS
        assert world.deaths == 0
        world.wire.hazards.clear()
        deliver_all(functions, world)
        assert reports(world)[-1]["result"] == "synced"


def _is_of(call: Call, service: str) -> bool:
    operations = {"events": "PutEvents", "sns": "Publish", "sqs": "ChangeMessageVisibility"}
    return call.operation == operations.get(service, "DescribeTable")


def test_states_that_were_read_are_kept_however_the_delivery_ends(functions: Functions) -> None:
    """The source can be deleted before the next one: a restore takes hours."""
    world = restoring(active=False)
    hangs(world, "cloudwatch", "application-autoscaling")
    assert timed(functions, world) < FUNCTION_SECONDS
    kept = record(world)["settings"]["M"].keys()
    assert kept == ALL_NAMES - {"cloudwatch_alarms", "auto_scaling"}


def test_a_function_that_dies_while_it_reads_keeps_what_it_has(functions: Functions) -> None:
    start = restoring(active=False)
    whole = start.copy()
    functions.deliver(whole)
    made = whole.wire.calls
    number = next(i for i, call in enumerate(made) if call.operation == "DescribeAlarms")
    world = start.copy(lambda attempt: Fault(Mode.DIED_BEFORE) if attempt.number == number else None)
    with pytest.raises(ProcessDeath):
        functions.deliver(world)
    kept = record(world)["settings"]["M"].keys()
    order = [setting.name for setting in SETTINGS]
    assert kept >= set(order[: order.index("cloudwatch_alarms")])
