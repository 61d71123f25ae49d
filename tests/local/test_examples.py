"""Every example, and what the README begins with, applies as it stands, is then planned empty, and can be destroyed."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future

import pytest

from tests.local.roots import EXAMPLES, NOTHING_TO_CHANGE, README, REPOSITORY, ROOTS, Run

# By example, what it is about: of the examples' resources those without which it shows nothing.
SHOWN = {
    README: ("module.dynamodb_restore.module.restore_worker[0].module.function.aws_lambda_function.this",),
    "settings-only": (
        "module.dynamodb_restore.module.reconciler[0].module.function.aws_lambda_function.this",
    ),
    "near-zero-downtime": ("aws_dynamodb_table.orders[0]",),
    "existing-estate": ("aws_dynamodb_table.orders", "module.orders_pipeline.aws_sqs_queue.buffer"),
}


def test_every_example_is_applied_here() -> None:
    folders = {path.name for path in (REPOSITORY / "examples").iterdir() if path.is_dir()}
    assert folders == set(EXAMPLES)
    assert SHOWN.keys() == set(ROOTS)


@pytest.mark.parametrize("root", ROOTS)
def test_it_applies_as_it_stands_stays_as_it_is_and_goes_without_a_trace(
    root: str, root_runs: Mapping[str, Future[Run]]
) -> None:
    run = root_runs[root].result()

    assert set(SHOWN[root]) <= set(run.applied)
    code, plan = run.plan
    assert code == NOTHING_TO_CHANGE, plan
    assert run.left == []
    if root == "near-zero-downtime":
        assert "orders" in run.outputs["commands"]["cutover"]
