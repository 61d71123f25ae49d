"""What the scanner found, could not look at or was kept from looking at is all told, and an exception says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts import lint_security

BUCKET = """
resource "aws_s3_bucket" "logs" {
  # checkov:skip=CKV_AWS_18,CKV_AWS_21:It stands for one that is there.
  bucket = "logs"
}
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(lint_security, "ROOT", tmp_path)
    (tmp_path / "modules" / "trail").mkdir(parents=True)
    return tmp_path


def write(root: Path, text: str) -> None:
    (root / "modules" / "trail" / "bucket.tf").write_text(text, encoding="utf-8")


def check(name: str, line: int = 2) -> dict[str, Any]:
    return {
        "check_id": name,
        "check_name": "Ensure it",
        "file_path": "/modules/trail/bucket.tf",
        "file_line_range": [line, line + 3],
    }


def report(**outcomes: list[Any]) -> dict[str, Any]:
    empty: dict[str, list[Any]] = {"failed_checks": [], "skipped_checks": [], "parsing_errors": []}
    return {"results": empty | outcomes}


def test_a_finding_of_a_module_that_is_called_twice_is_told_once() -> None:
    found = report(failed_checks=[check("CKV_AWS_21"), check("CKV_AWS_18"), check("CKV_AWS_21")])

    assert list(lint_security.findings(found)) == [
        "modules/trail/bucket.tf:2: CKV_AWS_18 Ensure it",
        "modules/trail/bucket.tf:2: CKV_AWS_21 Ensure it",
    ]


def test_a_file_that_was_not_parsed_is_told(root: Path) -> None:
    (problem,) = lint_security.unparsed(report(parsing_errors=[str(root / "modules/trail/bucket.tf")]))

    assert problem.startswith("modules/trail/bucket.tf: not scanned")


def test_an_exception_that_excepts_something_is_fine(root: Path) -> None:
    write(root, BUCKET)

    found = report(skipped_checks=[check("CKV_AWS_18"), check("CKV_AWS_21")])

    assert list(lint_security.idle_exemptions(found)) == []
    assert len(lint_security.exemptions()) == 2


def test_an_exception_that_excepts_nothing_any_more_is_told(root: Path) -> None:
    write(root, BUCKET)

    (problem,) = lint_security.idle_exemptions(report(skipped_checks=[check("CKV_AWS_18")]))

    assert problem.startswith("modules/trail/bucket.tf:3: nothing is excepted from CKV_AWS_21")


@pytest.mark.parametrize("reason", ["", ":", ": "])
def test_an_exception_without_a_reason_is_told(root: Path, reason: str) -> None:
    write(root, BUCKET.replace(",CKV_AWS_21:It stands for one that is there.", reason))

    (problem,) = lint_security.idle_exemptions(report(skipped_checks=[check("CKV_AWS_18")]))

    assert problem == "modules/trail/bucket.tf:3: the exception from CKV_AWS_18 gives no reason"


@pytest.mark.parametrize(
    ("prints", "status", "word"),
    [
        ('{"passed": 0, "resource_count": 0}', 0, "scanned nothing"),
        ('{"results": {}, "summary": {"resource_count": 0}}', 0, "scanned nothing"),
        ("no such option", 2, "ended with 2"),
        ("", 0, "no report"),
    ],
)
def test_a_scan_that_did_not_happen_is_no_success(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    prints: str,
    status: int,
    word: str,
) -> None:
    scanner = root / "checkov"
    scanner.write_text(f"#!/bin/sh\necho '{prints}'\nexit {status}\n", encoding="utf-8")
    scanner.chmod(0o755)
    monkeypatch.setattr(lint_security, "CHECKOV", scanner)

    assert lint_security.main() == 1
    assert word in capsys.readouterr().err


def test_a_scanner_that_is_not_there_is_no_success(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lint_security, "CHECKOV", root / "checkov")

    assert lint_security.main() == 1
    assert "checkov" in capsys.readouterr().err


def test_what_the_environment_says_of_skipping_is_not_passed_on(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CKV_SKIP_CHECK", "CKV_AWS_21")
    scanner = root / "checkov"
    scanner.write_text("#!/bin/sh\nenv\nexit 3\n", encoding="utf-8")
    scanner.chmod(0o755)
    monkeypatch.setattr(lint_security, "CHECKOV", scanner)

    assert lint_security.main() == 1
    printed = capsys.readouterr().err
    assert "HCL_PARSE_TIMEOUT_SEC=300" in printed
    assert "CKV_SKIP_CHECK" not in printed
