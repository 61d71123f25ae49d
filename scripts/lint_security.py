"""Scan the root, the modules and the examples with checkov. No finding may be left, and nothing unseen.

    python scripts/lint_security.py

checkov by itself passes in silence over what it could not look at, so this program also fails
- on a file that checkov's own parser did not understand: it was not scanned at all;
- on an exception (`checkov:skip=ID:reason`) without a reason, or that no longer excepts anything.

What checkov does not see by its nature, and the tests of the permissions do: statements that come from a `dynamic`
block or out of a local, whose content is only known when it is evaluated.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONFIGURATION = ROOT / ".checkov.yaml"
CHECKOV = Path(sys.executable).parent / "checkov"
SCANNED = ("*.tf", "modules/*/*.tf", "examples/*/*.tf")

EXCEPTION = re.compile(r"checkov:skip=(?P<ids>[\w,-]*)(?::(?P<reason>.*))?")
NOTHING_FOUND, FOUND = 0, 1
# Variables by which checkov would skip checks or talk to its maker.
FOREIGN_VARIABLES = ("BC_", "CKV_", "CHECKOV_", "PRISMA_", "LOG_LEVEL")


class ScanError(Exception):
    """checkov did not get as far as a result; the message says how far."""


@dataclass(frozen=True, order=True)
class Exemption:
    """A comment in a .tf file that takes a resource out of a check."""

    file: str
    line: int
    check: str
    reason: str


def scan() -> Mapping[str, Any]:
    """checkov's own account of a run: its results by outcome, and a summary."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_VARIABLES)
    }
    # It gives up on a file after ten seconds, which a busy machine can take.
    environment["HCL_PARSE_TIMEOUT_SEC"] = "300"
    # Modules are scanned where they are written; instance by instance took half the time and found nothing more.
    environment["CHECKOV_ENABLE_MODULES_FOREACH_HANDLING"] = "False"
    run = subprocess.run(
        [CHECKOV, "--config-file", CONFIGURATION, "--output", "json"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode not in {NOTHING_FOUND, FOUND}:
        raise ScanError(f"checkov ended with {run.returncode}:\n{run.stdout}{run.stderr}")
    try:
        report = json.loads(run.stdout)
    except json.JSONDecodeError as error:
        raise ScanError(f"checkov printed no report ({error}):\n{run.stdout}{run.stderr}") from error
    # Where there was nothing to scan the report is a bare row of zeros.
    if not isinstance(report, dict) or "results" not in report or report["summary"]["resource_count"] == 0:
        raise ScanError(f"checkov scanned nothing:\n{run.stdout}{run.stderr}")
    return report


def unparsed(report: Mapping[str, Any]) -> Iterator[str]:
    for file in report["results"]["parsing_errors"]:
        yield (
            f"{relative(file)}: not scanned, because checkov's parser does not understand it. Write it more plainly "
            "(objects within an interpolation are often the cause)"
        )


def findings(report: Mapping[str, Any]) -> Iterator[str]:
    # A module is scanned as often as it is called.
    found = {
        (relative(check["file_path"]), check["file_line_range"][0], check["check_id"], check["check_name"])
        for check in report["results"]["failed_checks"]
    }
    for file, line, check, name in sorted(found):
        yield f"{file}:{line}: {check} {name}"


def idle_exemptions(report: Mapping[str, Any]) -> Iterator[str]:
    used = {
        (relative(check["file_path"]), check["check_id"]) for check in report["results"]["skipped_checks"]
    }
    for exemption in exemptions():
        where = f"{exemption.file}:{exemption.line}"
        if not exemption.reason:
            yield f"{where}: the exception from {exemption.check or 'a check'} gives no reason"
        if (exemption.file, exemption.check) not in used:
            yield f"{where}: nothing is excepted from {exemption.check or 'a check'} here; take the comment out"


def exemptions() -> list[Exemption]:
    return sorted(
        Exemption(str(path.relative_to(ROOT)), number, check, (match["reason"] or "").strip())
        for pattern in SCANNED
        for path in ROOT.glob(pattern)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (match := EXCEPTION.search(line)) is not None
        for check in match["ids"].split(",")
    )


def relative(file: str) -> str:
    """A path as checkov gives it, from the repository's root: it puts a slash before relative ones."""
    path = Path(file)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else file.lstrip("/")


def main() -> int:
    try:
        report = scan()
    except (OSError, ScanError) as error:
        print(f"lint_security.py: {error}", file=sys.stderr)
        return 1
    problems = [*unparsed(report), *findings(report), *idle_exemptions(report)]
    for problem in problems:
        print(problem)
    summary = report["summary"]
    print(
        f"checkov: {summary['resource_count']} resources, {summary['passed']} checks passed, "
        f"{len(problems)} problem(s), {len(exemptions())} documented exception(s)"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
