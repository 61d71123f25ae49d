"""docs/settings.md, the code and the Terraform policies say the same about each setting.

The calls that the functions make are held against the same policies by the tests on the local AWS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hcl2
import pytest

from dynamodb_restore.findings.registry import SEARCHES
from dynamodb_restore.settings.registry import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "settings.md").read_text()
POLICIES = ROOT / "modules" / "restore-worker" / "settings_permissions.tf"

NAMES = [setting.name for setting in SETTINGS]
ITEMS = ["Read", "Written", "Phase", "Kept or skipped", "IAM, to read", "IAM, to write", "Source"]
NEEDS_NO_PERMISSION = {"sts:GetCallerIdentity"}


@dataclass(frozen=True)
class Section:
    """One setting's part of the document: its items by their bold names."""

    items: Mapping[str, str]

    def actions(self) -> set[str]:
        text = self.items["IAM, to read"] + self.items["IAM, to write"]
        return set(re.findall(r"`([a-z0-9-]+:[A-Za-z*]+)`", text)) - NEEDS_NO_PERMISSION


def sections(level: str) -> dict[str, Section]:
    parts = re.split(rf"^{level} `(\w+)`$", DOCUMENT, flags=re.MULTILINE)
    return {
        name: Section(dict(re.findall(r"^- \*\*(.+?):\*\* (.+)$", body.split("\n#")[0], flags=re.MULTILINE)))
        for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def locals_of_policies() -> dict[str, Any]:
    with POLICIES.open() as file:
        (block,) = hcl2.load(file)["locals"]
    return dict(block)


def texts(value: Any) -> Iterator[str]:
    """All strings in a value of python-hcl2, which keeps their quotes."""
    if isinstance(value, str):
        yield value.strip('"')
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def granted(kind: str) -> dict[str, set[str]]:
    """Action by setting, as one of the locals of the policies names them."""
    statements = locals_of_policies()[kind]
    return {
        name: set(texts(part if kind == "table_permissions" else [each["actions"] for each in part]))
        for name, part in statements.items()
        if not name.startswith("__")
    }


def test_every_setting_has_its_section_in_the_order_of_the_registry() -> None:
    documented = [name for name in sections("##") if name in NAMES]
    assert documented == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_section_says_everything(name: str) -> None:
    assert list(sections("##")[name].items) == ITEMS


@pytest.mark.parametrize("setting", SETTINGS, ids=NAMES)
def test_the_phase_is_that_of_the_code(setting: Any) -> None:
    assert sections("##")[setting.name].items["Phase"].startswith(f"`{setting.phase.value}`")


@pytest.mark.parametrize("name", NAMES)
def test_the_actions_are_those_of_the_policies(name: str) -> None:
    in_terraform = granted("table_permissions").get(name, set()) | granted("service_permissions").get(
        name, set()
    )
    # DescribeTable is common to all, and is said once.
    assert sections("##")[name].actions() - {"dynamodb:DescribeTable"} == in_terraform - {
        "dynamodb:DescribeTable"
    }


def scopes(text: str) -> Iterator[tuple[str, str]]:
    """Each action that a section names, with what it says in brackets of the resources."""
    return iter(re.findall(r"`([a-z0-9-]+:[A-Za-z*]+)` \(((?:[^()`]|`[^`]*`)*)\)", text))


@pytest.mark.parametrize("name", sorted(granted("service_permissions")))
def test_an_action_is_said_to_be_on_everything_where_the_policy_says_so_and_nowhere_else(name: str) -> None:
    """`*` and nothing narrower: whoever reads the document must not take a role for smaller than it is."""
    everything: dict[str, set[bool]] = {}
    for statement in locals_of_policies()["service_permissions"][name]:
        for action in texts(statement["actions"]):
            everything.setdefault(action, set()).add(list(texts(statement["resources"])) == ["*"])
    items = sections("##")[name].items
    told: dict[str, set[bool]] = {}
    for action, scope in scopes(items["IAM, to read"] + ", " + items["IAM, to write"]):
        told.setdefault(action, set()).add(scope.startswith("*"))
    services = {action: told.get(action) for action in everything}
    assert services == everything


def test_the_policies_name_no_setting_that_does_not_exist() -> None:
    assert set(granted("table_permissions")) | set(granted("service_permissions")) == set(NAMES)


@pytest.mark.parametrize("kind", [search.kind for search in SEARCHES])
def test_the_actions_of_a_search_are_those_of_the_policies(kind: str) -> None:
    text = sections("###")[kind].items["IAM"]
    assert set(re.findall(r"`([a-z0-9-]+:[A-Za-z*]+)`", text)) == granted("finding_permissions")[kind]


def test_the_policies_name_no_search_that_does_not_exist() -> None:
    assert set(granted("finding_permissions")) == {search.kind for search in SEARCHES}


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_names_every_setting(name: str) -> None:
    table = (ROOT / "README.md").read_text().split("## What is cloned")[1].split("\n## ")[0]
    assert f"| `{name}`" in table
