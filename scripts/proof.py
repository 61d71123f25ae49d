"""The long form of the tests that draw what they try: simulated histories, bad input, a fault at every call.

`make proof`. Every sum that is printed is added up from what the tests themselves reported to have tried.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / ".cache" / "proof"


@dataclass(frozen=True)
class Part:
    """Tests that have a long form.

    Attributes:
        longer: the environment variables that ask for it; what the caller has set already stands.
    """

    name: str
    folder: str
    longer: Mapping[str, str]


PARTS = (
    Part("simulation", "tests/simulation", {"SIMULATION_HISTORIES": "20000"}),
    Part("fuzz", "tests/fuzz", {"FUZZ_EXAMPLES": "5000"}),
    Part("faults", "tests/faults", {"FAULTS": "all"}),
)


@dataclass
class Tally:
    """What a part came to.

    Attributes:
        tests: by outcome: passed, failed, skipped.
        tried: what the tests reported to have tried, by what it is.
    """

    seconds: float
    tests: Counter[str] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)
    problem: str | None = None

    @property
    def proved(self) -> bool:
        """Whether something was tried and nothing failed."""
        return self.problem is None and not self.tests["failed"] and bool(self.tried)


def run(part: Part) -> Tally:
    """Run one part, with its output shown as it comes."""
    report = REPORTS / f"{part.name}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-p", "no:terraform", "-n", "2", "-q", f"--junitxml={report}"]
    began = time.monotonic()
    ran = subprocess.run([*command, part.folder], cwd=ROOT, env={**part.longer, **os.environ}, check=False)
    seconds = time.monotonic() - began
    if not report.exists():
        return Tally(seconds, problem=f"pytest ended with {ran.returncode} and without a report")
    tally = tally_of(ElementTree.parse(report), seconds)  # noqa: S314 - pytest has just written it
    if ran.returncode and tally.proved:
        tally.problem = f"pytest ended with {ran.returncode}"
    return tally


def tally_of(report: ElementTree.ElementTree[ElementTree.Element], seconds: float) -> Tally:
    """Add up a JUnit report. What a failed test has tried does not count."""
    tally = Tally(seconds)
    for case in report.iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            tally.tests["failed"] += 1
        elif case.find("skipped") is not None:
            tally.tests["skipped"] += 1
        else:
            tally.tests["passed"] += 1
            for counted in case.iter("property"):
                value = counted.get("value", "")
                if value.isdecimal():
                    tally.tried[counted.get("name", "")] += int(value)
    return tally


def line(name: str, tally: Tally) -> str:
    """One part in one line."""
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(tally.tests.items()) if count)
    tried = ", ".join(f"{count:,} {what}" for what, count in sorted(tally.tried.items()))
    told = "; ".join(
        text for text in (tried, f"tests: {outcomes}" if outcomes else "", tally.problem) if text
    )
    return f"{name:<11} {'proved' if tally.proved else 'FAILED'} in {tally.seconds:.0f} s: {told}"


def main(parts: Sequence[Part] = PARTS) -> int:
    tallies: dict[str, Tally] = {}
    for part in parts:
        print(f"\n== {part.name}", flush=True)
        tallies[part.name] = run(part)
    print("\n== summary")
    for name, tally in tallies.items():
        print(line(name, tally))
    failed = [name for name, tally in tallies.items() if not tally.proved]
    print(f"failed: {', '.join(failed)}" if failed else "all proved")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
