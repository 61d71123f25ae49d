"""Links lead somewhere: those between documents, and those that code, policies and alarms give."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.unit.markdown import ROOT, Document, anchor, documents, read, rows

DOCUMENTS = documents()

MENTION = re.compile(r"\bdocs/[\w-]+\.md(?:#[\w-]+)?")
SOURCES = (
    "*.tf",
    "modules/*/*.tf",
    "examples/**/*.tf",
    "lambda_src/**/*.py",
    "scripts/*.py",
    "tests/**/*.py",
)


def mentions() -> Iterator[tuple[str, str]]:
    """Each page of docs/ that a source file names, with an anchor or without: (file, mention)."""
    for pattern in SOURCES:
        for path in ROOT.glob(pattern):
            for mention in MENTION.findall(path.read_text(encoding="utf-8")):
                yield str(path.relative_to(ROOT)), mention


def problem(target: str, fragment: str) -> str | None:
    """What is wrong with a link to an anchor of a file; None where it leads somewhere."""
    if not (ROOT / target).exists():
        return f"{target} does not exist"
    if fragment and fragment not in read(target).anchors:
        return f"{target} has no anchor #{fragment}"
    return None


@pytest.mark.parametrize("document", DOCUMENTS, ids=[document.name for document in DOCUMENTS])
def test_every_link_leads_somewhere(document: Document) -> None:
    problems = []
    for link in document.links:
        if re.match(r"https?://|mailto:", link):
            continue
        path, _, fragment = link.partition("#")
        folder = (ROOT / document.name).parent
        target = str((folder / path).resolve().relative_to(ROOT)) if path else document.name
        found = problem(target, fragment)
        if found:
            problems.append(f"{link}: {found}")
    assert not problems


def test_every_page_that_a_source_file_names_exists_with_its_anchor() -> None:
    found = list(mentions())
    assert len(found) > 15
    problems = [
        f"{file} names {mention}: {why}" for file, mention in found if (why := problem(*split(mention)))
    ]
    assert not problems


def split(mention: str) -> tuple[str, str]:
    target, _, fragment = mention.partition("#")
    return target, fragment


def test_no_text_that_people_see_at_night_points_to_the_readme_as_a_whole() -> None:
    paths = [path for pattern in ("modules/*/*.tf", "lambda_src/**/*.py") for path in ROOT.glob(pattern)]
    named = [str(path.relative_to(ROOT)) for path in paths if "README.md" in path.read_text(encoding="utf-8")]
    assert named == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    linked = {link.partition("#")[0] for link in read("README.md").links}
    pages = {document.name for document in DOCUMENTS if document.name.startswith("docs/")}
    assert pages - linked == set()


class TestAlarms:
    """Each alarm names its own entry of the runbook."""

    ANCHOR = re.compile(r"Runbook: docs/operating\.md#([\w-]+)\"")
    DESCRIPTION = re.compile(r"^\s*(?:alarm_)?description\s*=\s*(\".+)$", re.MULTILINE)
    FILES = (
        "change-pipeline/alarms.tf",
        "restore-worker/alarms.tf",
        "restore-events/alarms.tf",
        "reconciler/schedule.tf",
    )

    def descriptions(self) -> list[str]:
        text = "\n".join((ROOT / "modules" / name).read_text(encoding="utf-8") for name in self.FILES)
        rule = "Looks for restores of DynamoDB tables whose event never came"
        return [found for found in self.DESCRIPTION.findall(text) if rule not in found]

    def test_no_alarm_is_defined_elsewhere(self) -> None:
        defined = {
            str(path.relative_to(ROOT / "modules"))
            for path in ROOT.glob("modules/*/*.tf")
            if 'resource "aws_cloudwatch_metric_alarm"' in path.read_text(encoding="utf-8")
        }
        assert defined == set(self.FILES)

    def test_each_description_ends_with_its_entry(self) -> None:
        found = self.descriptions()
        assert len(found) == 14
        assert [text for text in found if not self.ANCHOR.search(text)] == []

    def test_the_runbook_has_an_entry_for_each_alarm_and_for_no_other(self) -> None:
        named = [self.ANCHOR.findall(text)[0] for text in self.descriptions()]
        section = read("docs/operating.md").section("## Alarms")
        entries = [anchor(heading) for heading in re.findall(r"^### (.+)$", section, re.MULTILINE)]
        listed = [row[0].partition("]")[0].lstrip("[") for row in rows(section.partition("\n### ")[0])]
        assert sorted(named) == sorted(entries)
        assert listed == entries

    def test_an_entry_is_named_as_its_alarm_ends(self) -> None:
        terraform = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("modules/*/main.tf"))
        for text in self.descriptions():
            suffix = self.ANCHOR.findall(text)[0]
            assert re.search(rf'["-]{suffix}"', terraform), f"no alarm is named …-{suffix}"

    def test_each_entry_says_what_it_means_and_what_to_do(self) -> None:
        section = read("docs/operating.md").section("## Alarms")
        for entry in section.split("\n### ")[1:]:
            name = entry.splitlines()[0]
            assert "- **Means:**" in entry, name
            assert "- **Do:**" in entry, name


def test_anchors_are_as_github_makes_them() -> None:
    assert (
        anchor("1. Is the restore connected to the pipeline?") == "1-is-the-restore-connected-to-the-pipeline"
    )
    assert anchor("Input `overrides`") == "input-overrides"
    twice = Document("x.md", '# Same\n\n## Same\n\n<a id="own"></a>\n')
    assert twice.anchors == {"same", "same-1", "own"}


def test_a_link_that_leads_nowhere_is_found() -> None:
    assert problem("docs/operating.md", "no-such-alarm") == "docs/operating.md has no anchor #no-such-alarm"
    missing = "docs/" + "no-such-page.md"
    assert problem(missing, "") == f"{missing} does not exist"
