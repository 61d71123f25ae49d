"""A restore is seen while the module is being applied for the first time, or while it is being destroyed.

Terraform makes what has no order between it at the same time. A mapping that is there before the last policy of its
function's role hands over a restore that the worker is refused to look at, and a refusal is given up at once. A rule that
has its target before the queue lets it send loses the event: EventBridge does not retry what is refused
(docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html). What is destroyed goes the other way round, so the
same order holds there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import hcl2
import pytest

MODULES = Path(__file__).resolve().parents[2] / "modules"

GRANTS = ("aws_iam_role_policy", "aws_iam_role_policy_attachment")
"""What gives a role its permissions."""


@dataclass(frozen=True)
class Module:
    """The resources of one module, by address, and in what order Terraform makes them."""

    name: str
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str) -> Module:
        resources = {}
        for path in sorted((MODULES / name).glob("*.tf")):
            with path.open(encoding="utf-8") as file:
                for block in hcl2.load(file).get("resource", []):
                    for kind, named in block.items():
                        for label, body in named.items():
                            resources[f"{kind}.{label}".replace('"', "")] = body
        return cls(name, resources)

    def before(self, address: str) -> set[str]:
        """The resources that are there when this one is made."""
        found: set[str] = set()
        left = [address]
        while left:
            for needed in self._references[left.pop()]:
                if needed not in found:
                    found.add(needed)
                    left.append(needed)
        return found

    def of_kind(self, *kinds: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for address, body in self.resources.items():
            if address.partition(".")[0] in kinds:
                yield address, body

    def grants_to(self, role: str) -> set[str]:
        """What gives permissions to a role: by its own address, or to each of several."""
        return {
            address
            for address, body in self.of_kind(*GRANTS)
            if role in str(body["role"]) or "each." in str(body["role"])
        }

    @cached_property
    def _references(self) -> Mapping[str, set[str]]:
        return {
            address: {
                other
                for other in self.resources
                if other != address and re.search(rf"\b{re.escape(other)}\b", str(body))
            }
            for address, body in self.resources.items()
        }


ALL = [Module.read(folder.name) for folder in sorted(MODULES.iterdir())]

SET_TO_WORK = [
    pytest.param(module, address, function["called"], id=f"{module.name} {address}")
    for module in ALL
    for address, body in module.of_kind("aws_lambda_event_source_mapping", "aws_cloudwatch_event_target")
    if (
        function := re.search(
            r"(?P<called>module\.\w+)\.function", str(body.get("function_name", body.get("arn")))
        )
    )
]
"""What sets a function to work."""

SENT_TO = [
    pytest.param(module, address, queue, id=f"{module.name} {address} {queue}")
    for module in ALL
    for address, body in module.of_kind("aws_cloudwatch_event_target")
    for queue in sorted(set(re.findall(r"aws_sqs_queue\.\w+", str(body))))
]
"""Where events are sent."""


def test_there_are_such_places() -> None:
    assert len(SET_TO_WORK) >= 5
    assert len(SENT_TO) >= 2


@pytest.mark.parametrize(("module", "address", "function"), SET_TO_WORK)
def test_a_function_has_all_its_permissions_before_anything_sets_it_to_work(
    module: Module, address: str, function: str
) -> None:
    grants = module.grants_to(f"{function}.role")
    assert grants
    assert grants <= module.before(address)


@pytest.mark.parametrize(("module", "address", "queue"), SENT_TO)
def test_a_queue_lets_events_in_before_any_is_sent(module: Module, address: str, queue: str) -> None:
    policies = {
        policy for policy, body in module.of_kind("aws_sqs_queue_policy") if queue in str(body["queue_url"])
    }
    assert policies
    assert policies <= module.before(address)


def test_a_pipeline_is_announced_once_all_that_act_on_it_may() -> None:
    """The worker claims what it finds registered, and the operator function has upkeep work on it."""
    pipeline = next(module for module in ALL if module.name == "change-pipeline")
    grants = {address for address, _ in pipeline.of_kind(*GRANTS)}
    assert grants <= pipeline.before("aws_dynamodb_table_item.registration")
