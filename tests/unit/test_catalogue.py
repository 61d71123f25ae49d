"""What settings and searches say of themselves fits what they do: Terraform and the documentation are written from it.

The calls that the functions make are held against the policies themselves by the tests on the local AWS.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import botocore.session
import pytest
from botocore import xform_name

from dynamodb_restore.findings.registry import SEARCHES
from dynamodb_restore.permissions import PLACEHOLDERS, Statement
from dynamodb_restore.settings.registry import SETTINGS
from dynamodb_restore.settings.setting import CataloguedSetting, Phase

ROOT: Final = Path(__file__).resolve().parents[2]
NAMES: Final = [setting.name for setting in SETTINGS]

SERVICES: Final = {
    "appsync": "appsync",
    "auto_scaling": "application-autoscaling",
    "backup": "backup",
    "cloudtrail": "cloudtrail",
    "cloudwatch": "cloudwatch",
    "dynamodb": "dynamodb",
    "ec2": "ec2",
    "glue": "glue",
    "iam": "iam",
    "kinesis": "kinesis",
    "lambda_": "lambda",
    "pipes": "pipes",
    "ssm": "ssm",
    "step_functions": "stepfunctions",
    "kms": "kms",
    "osis": "osis",
    "redshift": "redshift",
    "sts": "sts",
}
"""Clients by the name that `aws.Clients` gives them."""

IAM_NAMES: Final = {"stepfunctions": "states"}
"""Services whose name in IAM is another one."""

COMMON: Final = {"dynamodb:DescribeTable", "sts:GetCallerIdentity"}
"""What all settings may call, and what takes no permission
(docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html)."""


def catalogued(setting: CataloguedSetting) -> set[str]:
    entry = setting.catalogue
    tables = (entry.table_reads, entry.table_writes)
    return {
        *(action for actions in tables for action in (*actions.tables, *actions.indexes, *actions.streams)),
        *(action for statement in entry.statements for action in statement.actions),
    }


def called(owner: object) -> set[str]:
    """The actions of all operations that the file of a class names: as a method of a client, or for a paginator."""
    names: set[str] = set()
    clients: set[str] = set()
    for node in ast.walk(ast.parse(Path(inspect.getfile(type(owner))).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
            clients |= {node.attr} & SERVICES.keys()
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)
    session = botocore.session.get_session()
    return {
        f"{IAM_NAMES.get(service, service)}:{operation}"
        for service in (SERVICES[client] for client in clients)
        for operation in session.get_service_model(service).operation_names
        if xform_name(operation) in names
    }


def statements() -> Iterator[Statement]:
    for setting in SETTINGS:
        yield from setting.catalogue.statements
    for search in SEARCHES:
        yield from search.catalogue.statements


STATEMENTS: Final = list(statements())


class TestPermissions:
    @pytest.mark.parametrize("setting", SETTINGS, ids=NAMES)
    def test_a_setting_calls_what_it_is_permitted_and_no_more(self, setting: CataloguedSetting) -> None:
        asked_for = set(setting.catalogue.asked_for)
        assert catalogued(setting) - asked_for - COMMON == called(setting) - COMMON
        assert asked_for <= catalogued(setting)

    @pytest.mark.parametrize("search", SEARCHES, ids=lambda search: search.kind)
    def test_a_search_calls_what_it_is_permitted_and_no_more(self, search: object) -> None:
        (entry,) = (found.catalogue for found in SEARCHES if found is search)
        granted = {action for each in entry.statements for action in each.actions} | set(entry.table_reads)
        assert granted == called(search) - COMMON
        assert not any(statement.writes for statement in entry.statements)

    def test_the_purpose_of_each_statement_is_its_own(self) -> None:
        assert [sid for sid, times in Counter(each.sid for each in STATEMENTS).items() if times > 1] == []

    @pytest.mark.parametrize("statement", STATEMENTS, ids=lambda each: each.sid)
    def test_a_wildcard_has_its_reason(self, statement: Statement) -> None:
        # A list that the user chose may have wildcards too.
        wide = any("*" in each or "{each_attachable_" in each for each in statement.resources)
        assert bool(statement.reason) is wide

    @pytest.mark.parametrize("statement", STATEMENTS, ids=lambda each: each.sid)
    def test_actions_have_no_wildcard_but_where_aws_words_them_so(self, statement: Statement) -> None:
        wide = {action for action in statement.actions if "*" in action}
        assert wide <= {"kms:ReEncrypt*", "kms:GenerateDataKey*"}

    @pytest.mark.parametrize("statement", STATEMENTS, ids=lambda each: each.sid)
    def test_terraform_can_resolve_each_text(self, statement: Statement) -> None:
        texts = [*statement.resources, *(value for each in statement.conditions for value in each.values)]
        for text in texts:
            placeholders = re.findall(r"\{(\w+)\}", text)
            assert set(placeholders) <= PLACEHOLDERS.keys()
            assert sum(name.startswith("each_") for name in placeholders) <= 1
            assert re.fullmatch(r"(\{\w+\}|[^${}])+", text)

    @pytest.mark.parametrize("statement", STATEMENTS, ids=lambda each: each.sid)
    def test_a_condition_that_can_fall_away_is_of_a_choice_of_the_user(self, statement: Statement) -> None:
        for condition in statement.conditions:
            chosen = any("{each_attachable_function}" in value for value in condition.values)
            assert condition.narrows is chosen

    def test_keys_of_kms_are_statements_of_their_own(self) -> None:
        """Terraform puts them into a policy of their own by their first action."""
        for statement in STATEMENTS:
            assert len({action.startswith("kms:") for action in statement.actions}) == 1


SOURCES: Final = {
    *(page for setting in SETTINGS for page in setting.catalogue.sources),
    *(page for search in SEARCHES for page in search.catalogue.sources),
}


class TestFacts:
    def test_a_setting_comes_after_what_it_builds_on(self) -> None:
        for setting in SETTINGS:
            for other in setting.catalogue.builds_on:
                assert NAMES.index(other) < NAMES.index(setting.name)

    def test_what_protects_the_table_is_not_the_tags_to_decide(self) -> None:
        protects = [setting.name for setting in SETTINGS if not setting.catalogue.tag_decides]
        assert protects == ["point_in_time_recovery", "deletion_protection", "encryption", "resource_policy"]

    def test_a_drill_gets_what_describes_the_table(self) -> None:
        kept = {setting.name for setting in SETTINGS if setting.catalogue.kept_by_drills}
        assert {"tags", "table_class", "on_demand_throughput", "stream"} <= kept
        # They cost, protect, act outside, or delete.
        assert kept.isdisjoint(
            {
                "point_in_time_recovery",
                "deletion_protection",
                "auto_scaling",
                "stream_triggers",
                "contributor_insights",
                "kinesis_destination",
                "cloudwatch_alarms",
                "warm_throughput",
                "ttl",
                "replicas",
                "resource_policy",
            }
        )

    @pytest.mark.parametrize(
        "each", [*SETTINGS, *SEARCHES], ids=lambda each: getattr(each, "name", None) or each.kind
    )
    def test_what_is_off_by_default_says_why(self, each: CataloguedSetting) -> None:
        assert ("Off by default" in " ".join(each.catalogue.about.split())) is not each.catalogue.default

    def test_what_costs_by_its_amount_is_off(self) -> None:
        off = {setting.name for setting in SETTINGS if not setting.catalogue.default}
        assert {"warm_throughput", "replicas"} <= off

    def test_what_acts_outside_or_deletes_waits_for_cutover(self) -> None:
        waits = {setting.name for setting in SETTINGS if setting.phase is Phase.ON_CUTOVER}
        assert {"stream", "stream_triggers", "kinesis_destination", "cloudwatch_alarms", "ttl"} <= waits

    def test_what_hangs_on_the_stream_builds_on_it(self) -> None:
        found = {
            setting.name: set(setting.catalogue.builds_on)
            for setting in SETTINGS
            if setting.catalogue.builds_on
        }
        assert found["stream_triggers"] == found["resource_policy"] == {"stream"}
        assert found["replicas"] == {"stream", "auto_scaling"}

    def test_names_are_those_of_one_thing(self) -> None:
        """Terraform keeps the statements of settings and searches by these names."""
        assert not set(NAMES) & {search.kind for search in SEARCHES}

    @pytest.mark.parametrize("source", sorted(SOURCES))
    def test_sources_are_pages_of_awss(self, source: str) -> None:
        assert re.fullmatch(r"docs\.aws\.amazon\.com/[\w./-]+\.html", source)
