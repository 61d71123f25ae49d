"""The workflow runs .ci/run whole and unconditionally, and one that does not is found."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from scripts import lint_ci

Workflow = dict[str, Any]


@pytest.fixture
def workflow() -> Workflow:
    return copy.deepcopy(dict(lint_ci.read(lint_ci.WORKFLOW)))


def job(workflow: Workflow) -> dict[str, Any]:
    found: dict[str, Any] = workflow["jobs"]["ci"]
    return found


def command(workflow: Workflow) -> dict[str, Any]:
    found: dict[str, Any] = job(workflow)["steps"][-1]
    return found


def test_the_workflow_mirrors_ci_run(workflow: Workflow) -> None:
    assert list(lint_ci.problems(workflow)) == []


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        pytest.param(lambda w: w.update(on={"pull_request": None}), "every push to main", id="no pushes"),
        pytest.param(lambda w: w["on"].pop("pull_request"), "every pull request", id="no pull requests"),
        pytest.param(lambda w: w["on"]["push"].update(paths=["**.py"]), "without other filters", id="paths"),
        pytest.param(lambda w: w.update(on=["push", "pull_request"]), "without other filters", id="list"),
        pytest.param(lambda w: w.update(env={"PYTEST_ARGS": "-k ttl"}), "`env`", id="narrowed"),
        pytest.param(
            lambda w: w.update(defaults={"run": {"shell": "true {0}"}}), "`defaults`", id="defaults"
        ),
        pytest.param(lambda w: w["jobs"].update(other={"steps": []}), "one job", id="two jobs"),
        pytest.param(lambda w: w["jobs"].clear(), "one job", id="no job"),
        pytest.param(lambda w: job(w).update({"if": "false"}), "`if`", id="job skipped"),
        pytest.param(
            lambda w: job(w).update(strategy={"matrix": {"n": []}}), "`strategy`", id="empty matrix"
        ),
        pytest.param(lambda w: job(w)["steps"].append({"run": "make demo"}), "nothing else", id="more"),
        pytest.param(lambda w: command(w).update(run="make test"), "nothing else", id="another command"),
        pytest.param(lambda w: command(w).update(run="bash .ci/run || true"), "nothing else", id="swallowed"),
        pytest.param(
            lambda w: command(w).update({"continue-on-error": True}),
            "`continue-on-error`",
            id="allowed to fail",
        ),
        pytest.param(lambda w: job(w)["steps"].pop(0), "checked out", id="nothing checked out"),
    ],
)
def test_a_workflow_that_proves_less_is_found(
    workflow: Workflow, spoil: Callable[[Workflow], object], word: str
) -> None:
    spoil(workflow)

    found = list(lint_ci.problems(workflow))

    assert any(word in problem for problem in found), found
