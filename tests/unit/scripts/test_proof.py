"""The sums that `make proof` prints are of what was tried, and of nothing else."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from scripts import proof

REPORT = """<testsuites><testsuite>
  <testcase name="a"><properties><property name="histories" value="2500"/></properties></testcase>
  <testcase name="b"><properties><property name="histories" value="17500"/><property name="seed" value="x"/></properties></testcase>
  <testcase name="c"><properties><property name="histories" value="9"/></properties><failure message="no"/></testcase>
  <testcase name="d"><error message="no"/></testcase>
  <testcase name="e"><skipped message="not here"/></testcase>
</testsuite></testsuites>"""


def tally(report: str) -> proof.Tally:
    return proof.tally_of(ElementTree.parse(io.StringIO(report)), 61.4)  # noqa: S314 - it is written above


def test_what_passed_counts_and_what_failed_does_not() -> None:
    found = tally(REPORT)

    assert found.tried == Counter({"histories": 20_000})
    assert found.tests == Counter(passed=2, failed=2, skipped=1)
    assert not found.proved
    assert proof.line("simulation", found) == (
        "simulation  FAILED in 61 s: 20,000 histories; tests: 2 failed, 2 passed, 1 skipped"
    )


def test_nothing_tried_proves_nothing() -> None:
    assert not tally("<testsuites/>").proved
    assert not tally('<testsuites><testcase name="a"><skipped/></testcase></testsuites>').proved
    assert not tally('<testsuites><testcase name="a" /></testsuites>').proved


@pytest.mark.parametrize(("test", "code", "verdict"), [("pass", 0, "proved"), ("assert False", 1, "FAILED")])
def test_a_part_is_run_in_its_long_form(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    test: str,
    code: int,
    verdict: str,
) -> None:
    (tmp_path / "test_part.py").write_text(
        "import os\n"
        "def test_part(record_property):\n"
        "    record_property('histories', int(os.environ['HISTORIES']))\n"
        f"    {test}\n"
    )
    monkeypatch.setattr(proof, "REPORTS", tmp_path / "reports")
    monkeypatch.setattr(proof, "ROOT", tmp_path)
    monkeypatch.delenv("HISTORIES", raising=False)

    assert proof.main([proof.Part("part", ".", {"HISTORIES": "12345"})]) == code

    summary = capfd.readouterr().out.partition("== summary\n")[2].splitlines()
    assert summary[0].startswith(f"part        {verdict} in ")
    assert ("12,345 histories" in summary[0]) is (code == 0)
    assert summary[1] == ("all proved" if code == 0 else "failed: part")


def test_a_part_that_is_not_there_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "REPORTS", tmp_path / "reports")
    monkeypatch.setattr(proof, "ROOT", tmp_path)

    found = proof.run(proof.Part("part", "nowhere", {}))

    assert not found.proved


def test_the_parts_are_folders_of_this_repository() -> None:
    for part in proof.PARTS:
        assert list((proof.ROOT / part.folder).glob("test_*.py")), part.folder
