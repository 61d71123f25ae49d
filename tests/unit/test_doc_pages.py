"""What the README and the pages of docs/ say about fields, codes and numbers is what the code has."""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dynamodb_restore.backoff import Backoff
from dynamodb_restore.findings.finding import Finding
from dynamodb_restore.pipeline.obstacles import ObstacleCode
from dynamodb_restore.restore.report import FindingsReport, Report, Result
from dynamodb_restore.sync.outcome import Outcome, Status, SwitchedBy
from tests.unit.markdown import ROOT, read, rows

CODE = ROOT / "lambda_src" / "dynamodb_restore"
IMAGES = sorted((ROOT / "docs" / "images").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"


def words(cell: str) -> list[str]:
    """The words between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def first_words(text: str) -> list[str]:
    """What the first cells of all rows have between backticks."""
    return [word for row in rows(text) for word in words(row[0])]


def code_of(folder: str) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((CODE / folder).rglob("*.py")))


class TestReadme:
    def test_it_has_at_most_180_lines(self) -> None:
        assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 180

    def test_what_it_promises_is_claimed_word_for_word_with_its_test(self) -> None:
        promises = re.findall(r"^- (.+)$", read("README.md").section("## What it promises"), re.MULTILINE)
        claims = {row[0]: row[-1] for row in rows(read("docs/guarantees.md").text)}
        assert len(promises) >= 5
        assert [promise for promise in promises if promise not in claims] == []
        assert [promise for promise in promises if "`tests/" not in claims[promise]] == []

    def test_it_promises_nothing_elsewhere(self) -> None:
        text = read("README.md").text
        elsewhere = text.replace(read("README.md").section("## What it promises"), "")
        # This table is generated from the settings, and docs/settings.md has each with its test.
        elsewhere = re.sub("<!-- BEGIN settings -->.*<!-- END settings -->", "", elsewhere, flags=re.DOTALL)
        assert (
            re.findall(r"\b(?:never|always|guarantee[sd]?|ensures?|no matter)\b", elsewhere, re.IGNORECASE)
            == []
        )


class TestReportPage:
    REPORT = Report(Result.SYNCED, "a", "b", finished_at=datetime(2026, 11, 22, tzinfo=UTC))
    PAGE = read("docs/report.md")

    def test_every_field_is_documented_and_no_other(self) -> None:
        fields, entry = self.PAGE.section("## Fields of the event").split("Each entry of `settings`")
        assert sorted(first_words(fields)) == sorted(self.REPORT.as_json())
        assert sorted(first_words(entry)) == sorted(Outcome("tags", Status.APPLIED).as_json())

    def test_every_result_is_documented_and_no_other(self) -> None:
        documented = first_words(self.PAGE.section("## Results"))
        assert documented == [result.value for result in Result]

    def test_every_status_and_everyone_who_switches_is_named(self) -> None:
        section = self.PAGE.section("## Fields of the event")
        named = set(words(section))
        assert {each.value for each in (*Status, *SwitchedBy)} <= named

    def test_every_field_of_the_findings_is_documented_and_no_other(self) -> None:
        report = FindingsReport("a", "b", None, (Finding("dashboards", "x", "y"),))
        section = self.PAGE.section("## Findings")
        assert sorted(first_words(section)) == sorted(report.as_json())
        (finding,) = report.as_json()["findings"]
        assert set(finding) <= set(words(section))


def test_every_field_of_status_is_documented_and_no_other() -> None:
    tree = ast.parse((CODE / "actions" / "status.py").read_text(encoding="utf-8"))
    returned = [
        key.value
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name in ("status", "_pipeline")
        for statement in function.body
        if isinstance(statement, ast.Return) and isinstance(statement.value, ast.Dict)
        for key in statement.value.keys
        if isinstance(key, ast.Constant)
    ]
    assert len(returned) > 15
    section = read("docs/changes.md").section("## Status").partition("While the pipeline is `idle`")[0]
    assert sorted(first_words(section)) == sorted(map(str, returned))


def test_every_obstacle_of_cutover_is_documented_and_no_other() -> None:
    documented = first_words(read("docs/cutover.md").section("## Refusal codes"))
    assert documented == [code.value for code in ObstacleCode]


def test_log_lines_that_the_troubleshooting_page_names_are_written() -> None:
    named = re.findall(r"log line `([^`]+)`", read("docs/why-was-my-change-not-replayed.md").text)
    assert len(named) >= 6
    code = code_of("handlers")
    assert [line for line in named if f'"{line}"' not in code] == []


def test_the_causes_are_listed_in_the_order_in_which_they_are_explained() -> None:
    page = read("docs/why-was-my-change-not-replayed.md").text
    listed = re.findall(r"^\| \[(\d\. [^\]]+)\]", page, re.MULTILINE)
    assert listed == re.findall(r"^## (\d\. .+)$", page, re.MULTILINE)
    assert len(listed) == 9


class TestCosts:
    TEXT = read("docs/costs.md").text

    def test_a_restore_of_six_hours_takes_as_many_invocations_as_it_says(self) -> None:
        declared = (ROOT / "variables.tf").read_text(encoding="utf-8")

        def default(name: str) -> float:
            (found,) = set(re.findall(rf"\b{name}\s*=\s*optional\(number, ([\d.]+)\)", declared))
            return float(found)

        def invocations(jitter: float) -> int:
            backoff = Backoff(
                default("base_delay_seconds"), default("backoff_rate"), default("max_delay_seconds"), jitter=0
            )
            count, waited = 1, 0.0
            while waited < 6 * 3600:
                waited += backoff.full_delay(count) * (1 - jitter)
                count += 1
            return count

        # Without jitter, and with its mean.
        assert (invocations(0), invocations(default("jitter") / 2)) == (221, 233)
        assert "220 to 240 short invocations" in self.TEXT

    def test_runs_in_thirty_days(self) -> None:
        files = (ROOT / "variables.tf", *ROOT.glob("modules/*/variables.tf"))
        declared = "".join(path.read_text(encoding="utf-8") for path in files)
        for name, shown in (("interval_minutes", "2,880"), ("upkeep_interval_minutes", "8,640")):
            (minutes,) = set(re.findall(rf"\b{name}\s*=\s*optional\(number, (\d+)\)", declared))
            assert f"{30 * 24 * 60 // int(minutes):,}" == shown
            assert f"{shown} in 30 days with the default of {minutes}" in self.TEXT


@pytest.mark.parametrize("image", IMAGES, ids=[image.name for image in IMAGES])
class TestImages:
    def test_it_has_a_title_and_a_description(self, image: Path) -> None:
        root = ElementTree.parse(image).getroot()  # noqa: S314
        assert root.get("role") == "img"
        for part in ("title", "desc"):
            element = root.find(f"{SVG}{part}")
            assert element is not None
            assert element.get("id") in (root.get("aria-labelledby") or "").split()
            assert element.text

    def test_it_has_its_own_background_and_a_dark_form(self, image: Path) -> None:
        text = image.read_text(encoding="utf-8")
        assert "prefers-color-scheme: dark" in text
        light, dark = text.split("@media", 1)
        for name in (".page", ".box", "text"):
            assert re.search(rf"^ +{re.escape(name)} {{", light, re.MULTILINE), name
            assert re.search(rf"^ +{re.escape(name)} {{", dark, re.MULTILINE), name
        assert 'class="page"' in text

    def test_it_loads_nothing(self, image: Path) -> None:
        text = image.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert re.findall(r"https?:|href=|url\((?!#)|<script|@import", text) == []

    def test_a_document_shows_it(self, image: Path) -> None:
        shown = {
            link
            for name in ("README.md", "docs/changes.md", "docs/architecture.md")
            for link in read(name).links
        }
        assert any(link.endswith(f"images/{image.name}") for link in shown)
