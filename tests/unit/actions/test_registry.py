"""Every operator action is declared whole, and what is generated from the declarations is current."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dynamodb_restore.actions.action import RESTORED_TABLE, SOURCE_TABLE, Action
from dynamodb_restore.actions.permissions import RESOURCES, TABLES, Permission, Scope
from dynamodb_restore.actions.registry import ACTIONS
from dynamodb_restore.actions.window import ACTION as WINDOW
from dynamodb_restore.payload import REQUIRED, PayloadError, read_fields
from scripts import catalog
from scripts.catalogue import operator_actions
from scripts.catalogue.pages import PageError

ROOT = Path(__file__).resolve().parents[3]
IDS = [action.name for action in ACTIONS]

every_action = pytest.mark.parametrize("action", ACTIONS, ids=IDS)


def read(action: Action, payload: Mapping[str, Any]) -> dict[str, Any]:
    return read_fields(payload, action.fields, action.name, beside=("action",))


def test_each_action_has_a_file_of_its_name() -> None:
    folder = ROOT / "lambda_src" / "dynamodb_restore" / "actions"
    with_actions = {path.stem for path in folder.glob("*.py") if "\nACTION = " in path.read_text()}
    assert with_actions == set(IDS)
    assert len(IDS) == len(set(IDS))


@every_action
def test_everything_about_an_action_is_said(action: Action) -> None:
    assert action.summary.endswith(".")
    assert "\n" not in action.summary
    for field in action.fields:
        assert field.kind.name
        assert field.what


@every_action
def test_its_example_is_one_that_it_takes(action: Action) -> None:
    assert json.loads(json.dumps(action.example)) == action.example
    assert read(action, action.example).keys() == {field.name for field in action.fields}


@every_action
def test_its_command_lacks_nothing_and_has_nothing_that_is_unknown(action: Action) -> None:
    required = {field.name for field in action.fields if field.default is REQUIRED} - {SOURCE_TABLE.name}
    assert required <= action.in_command.keys() <= {field.name for field in action.fields}


@every_action
def test_a_default_is_a_value_that_could_be_sent(action: Action) -> None:
    for field in action.fields:
        if field.default is not REQUIRED:
            sent = list(field.default) if isinstance(field.default, tuple) else field.default
            read_again = field.kind.read(sent)
            assert (tuple(read_again) if isinstance(sent, list) else read_again) == field.default


@every_action
def test_each_required_field_that_is_missing_is_named(action: Action) -> None:
    for field in action.fields:
        payload = {name: value for name, value in action.example.items() if name != field.name}
        if field.default is REQUIRED:
            with pytest.raises(PayloadError, match=f'^send "{field.name}": '):
                read(action, payload)
        else:
            assert read(action, payload)[field.name] == field.default


@every_action
def test_a_field_that_it_does_not_have_is_refused_with_those_that_it_has(action: Action) -> None:
    with pytest.raises(PayloadError) as caught:
        read(action, {**action.example, "tabel": "orders"})
    names = ", ".join(["action", *(field.name for field in action.fields)])
    assert str(caught.value) == f'{action.name} takes no field "tabel": send {names}'


def test_names_of_unknown_fields_are_cut_where_they_are_long() -> None:
    with pytest.raises(PayloadError) as caught:
        read(WINDOW, {**WINDOW.example, **{f"{number}" * 1000: 1 for number in range(1000, 1100)}})
    assert len(str(caught.value)) < 700


@every_action
def test_it_is_about_one_table_at_most(action: Action) -> None:
    assert not {SOURCE_TABLE.name, RESTORED_TABLE.name} <= action.example.keys()


def test_what_shares_a_statement_takes_nothing_from_another() -> None:
    """In one statement every action is allowed on every resource, so no two of them may know the same resource type."""
    for sid in {resource.sid for resource in RESOURCES}:
        sharing = [resource for resource in RESOURCES if resource.sid == sid]
        assert len({resource.scope for resource in sharing}) == 1
        taken = [
            name
            for resource in sharing
            for name in {
                name for action in ACTIONS for name in operator_actions.iam_actions(action, resource)
            }
        ]
        assert len(taken) == len(set(taken)), sid


def test_what_is_generated_is_current() -> None:
    assert catalog.run(ROOT, (operator_actions,), check=True) == 0


def test_a_new_action_is_in_everything_that_is_generated() -> None:
    """Its command, its permissions, its row and its section, though nothing but the registry names it."""
    ping = replace(
        WINDOW,
        name="ping",
        summary="Says that it is there.",
        permissions=(Permission(RESOURCES[0], ("lambda:ListTags",)), Permission(TABLES, ("dynamodb:X",))),
        in_command={"start": "START"},
    )
    written = operator_actions.for_terraform((*ACTIONS, ping))
    before = operator_actions.for_terraform(ACTIONS)

    assert written["pipeline_commands"] == {**before["pipeline_commands"], "ping": {"start": "START"}}
    (first, *others), (first_before, *others_before) = (
        each["statements"]["pipeline"] for each in (written, before)
    )
    assert first["actions"] == sorted([*first_before["actions"], "lambda:ListTags"])
    assert first["needed_by"] == [*first_before["needed_by"], "ping"]
    assert others == others_before
    # Settings have their own policies, with the reading of tables.
    assert written["statements"]["deployment"] == before["statements"]["deployment"]
    assert "| [`ping`](#ping) | Says that it is there. |" in operator_actions.overview((*ACTIONS, ping))
    assert operator_actions.section(ping).startswith("## `ping`\n\nSays that it is there.\n\n| Field |")
    assert "`dynamodb:X`" in operator_actions.section(ping)


def test_an_action_without_fields_has_no_table_of_them() -> None:
    ping = replace(WINDOW, name="ping", fields=(), in_command={})
    assert "| Field |" not in operator_actions.section(ping)
    assert '```json\n{"action": "ping"}\n```' in operator_actions.section(ping)
    assert operator_actions.for_terraform((ping,))["other_commands"] == {"ping": {}}


def test_what_no_action_needs_has_no_statement() -> None:
    repair = tuple(action for action in ACTIONS if action.name == "repair")
    pipeline = list(operator_actions.statements(repair, Scope.PIPELINE))
    assert pipeline == [
        {
            "sid": "HaveUpkeepDoIt",
            "resources": ["upkeep_functions"],
            "actions": ["lambda:InvokeFunction"],
            "needed_by": ["repair"],
        }
    ]


def test_what_is_stale_is_named_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "modules" / "restore-worker").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / "operator-actions.md"
    page.write_text("before\n<!-- BEGIN operator-actions -->\n<!-- END operator-actions -->\nafter\n")

    assert catalog.run(tmp_path, (operator_actions,), check=True) == 1
    assert "docs/operator-actions.md: not what lambda_src says; run `make catalog`" in capsys.readouterr().out
    assert catalog.run(tmp_path, (operator_actions,), check=False) == 0
    assert catalog.run(tmp_path, (operator_actions,), check=True) == 0
    assert page.read_text().startswith("before\n<!-- BEGIN operator-actions -->\n| Action |")
    assert page.read_text().endswith("<!-- END operator-actions -->\nafter\n")


def test_a_page_without_its_markers_is_named(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "operator-actions.md").write_text("nothing\n")
    with pytest.raises(PageError, match="must have the lines <!-- BEGIN operator-actions -->"):
        operator_actions.outputs(tmp_path)


def test_the_registry_makes_no_client_when_it_is_imported() -> None:
    """Programs that write files from it have neither a region nor credentials."""
    program = (
        "import boto3\n"
        "def refuse(*arguments, **more): raise AssertionError('a client')\n"
        "boto3.session.Session.client = refuse\n"
        "from dynamodb_restore.actions.registry import ACTIONS\n"
        "print(len(ACTIONS))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT / "lambda_src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{len(ACTIONS)}\n"
