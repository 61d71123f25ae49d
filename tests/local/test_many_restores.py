"""As many restores as AWS lets an account make at once, while AWS throttles a fifth of all calls."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.local.support import Deployment, attribute, cloned, statuses
from tests.local_aws import LocalAws
from tests.local_aws.compare import read_settings
from tests.local_aws.source_table import SourceTable

# docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
RESTORES = 50
THROTTLED = 0.2
# A delay that cannot be set leaves a message hidden for as long as the queue does, minutes, and so tests nothing.
SPARED = {"ChangeMessageVisibility"}
PATIENCE_SECONDS = 3600


@pytest.fixture(autouse=True)
def _no_fault_outlives_its_test(aws: LocalAws) -> Iterator[None]:
    yield
    aws.rules.faults.reset()


def test_fifty_restores_at_once_all_complete_while_a_fifth_of_the_calls_is_throttled(
    aws: LocalAws,
    deployed: Deployment,
    source: SourceTable,
    new_target: Callable[[], str],
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    undisturbed = _restore_one(aws, deployed, source, new_target())
    operations = sorted({(call.service, call.operation) for call in undisturbed})
    faults = [
        _throttle(aws, service, operation, seed)
        for seed, (service, operation) in enumerate(operations)
        if operation not in SPARED
    ]

    # They stay, for the tests after this one restore nothing, and deleting them takes long.
    targets = [f"{source.name}-restored-crowd-{number}" for number in range(RESTORES)]
    since, begun = aws.calls.mark(), time.time()
    for number, target in enumerate(targets):
        aws.restore(source.name, target, polls=number % 3)
    records = deployed.wait_for_ends(targets, timeout=PATIENCE_SECONDS, every=1)
    aws.rules.faults.reset()

    calls = deployed.calls(since)
    ended = {
        _target_of(call.parameters): call.started
        for call in calls
        if call.operation == "PutEvents" and not call.error
    }
    throttled = sum(fault.given for fault in faults)
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    assert reporter
    with capsys.disabled():
        reporter.write_line(
            f"\n{RESTORES} restores at once, {throttled} of {len(calls)} calls throttled: "
            f"{len(calls) / RESTORES:.0f} calls per restore ({len(undisturbed)} undisturbed), "
            f"worst wait {max(ended.values()) - begun:.0f} s, "
            f"most attempts {max(record['attempts'] for record in records)}"
        )

    assert throttled > THROTTLED / 2 * len(calls)
    assert set(ended) == set(targets)
    wanted = read_settings(aws.clients(), source.name)
    for target, record in zip(targets, records, strict=True):
        assert record["state"] == "synced", (target, record["report"]["reason"])
        assert set(statuses(record["report"]).values()) <= {"applied", "unchanged"}, target
        assert read_settings(aws.clients(), target) == wanted, target
    given_up = {attribute(message, "target_table") for message in deployed.dead_letters.messages()}
    assert given_up.isdisjoint(targets)


def _restore_one(aws: LocalAws, deployed: Deployment, source: SourceTable, target: str) -> list[Any]:
    """The calls that one restore takes that nothing disturbs."""
    since = aws.calls.mark()
    aws.restore(source.name, target, polls=1)
    assert statuses(deployed.wait_for_end(target)["report"]) == cloned(source)
    return list(deployed.calls(since))


def _throttle(aws: LocalAws, service: str, operation: str, seed: int) -> Any:
    """As the service throttles: Lambda says when to come back, the others do not."""
    if service == "lambda":
        return aws.rules.faults.inject(
            operation,
            "TooManyRequestsException",
            status=429,
            retry_after=1,
            times=None,
            probability=THROTTLED,
            seed=seed,
        )
    return aws.rules.faults.inject(
        operation, "ThrottlingException", times=None, probability=THROTTLED, seed=seed
    )


def _target_of(put_events: Any) -> str:
    """The table that a report is about, from the call that puts it on the event bus."""
    (entry,) = put_events["Entries"]
    target: str = json.loads(entry["Detail"])["target"]
    return target
