"""Run the tests on a copy of the repository, with one mutant in it or with none."""

from __future__ import annotations

import enum
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from tests.mutants.mutant import Mutant, MutantError

ALL_TESTS = ("tests/unit", "tests/hazards", "tests/field", "tests/fuzz", "tests/simulation")

NO_JUDGES = ("tests/unit/scripts/test_package.py", "tests/unit/mutants/test_mutants.py")
"""Tests that any change of the code turns red: the one compares it with the committed zip, the other looks for the old
texts of the mutants. That they fail proves nothing."""

_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", ".cache", "__pycache__", ".terraform*", ".*_cache", ".hypothesis", ".idea", ".vscode"
)

_SIMULATED_HISTORIES = "80"
_LONGEST_SECONDS = 1200.0
"""Of one run of tests. A mutant can make the code go round for ever."""

_NO_FINDINGS = ("NameError", "UnboundLocalError", "ImportError", "ModuleNotFoundError", "SyntaxError")
"""What a test fails with where the break itself is no program: nobody would need a test to notice that."""


class Verdict(enum.Enum):
    """What became of a mutant."""

    CAUGHT = "caught"
    SURVIVED = "survived"
    INVALID = "invalid"


@dataclass(frozen=True)
class Judgement:
    """How a mutant fared.

    Attributes:
        by: the test that failed, for one that was caught.
        remark: why it is invalid; or that none of the tests named for it was the one that failed.
    """

    mutant: Mutant
    verdict: Verdict
    seconds: float
    by: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Run:
    """How one run of tests ended.

    Attributes:
        failed: the first test that failed, and what with.
        broken: why the run says nothing about the code: no test came to run, or it had no end.
    """

    failed: tuple[str, str] | None = None
    broken: str | None = None

    @property
    def green(self) -> bool:
        return self.failed is None and self.broken is None


RunTests = Callable[[Path, Sequence[str], int], Run]
"""Runs tests of a repository: its root, the tests, in how many processes."""


RunPytest = Callable[[Sequence[str], Path, Mapping[str, str], float, Path], int | None]
"""Runs pytest: with these arguments, on this repository, in this environment, for so many seconds at most; what it prints goes
to a file. Its exit code, or None where it had no end."""


def run_pytest(
    arguments: Sequence[str], root: Path, environment: Mapping[str, str], seconds: float, output: Path
) -> int | None:
    """Run pytest in a new process; `forked.run_pytest` does the same in less time."""
    command = [sys.executable, "-m", "pytest", *arguments]
    try:
        with output.open("wb") as printed:
            ran = subprocess.run(
                command,
                cwd=root,
                env=environment,
                stdout=printed,
                stderr=printed,
                timeout=seconds,
                check=False,
            )
    except subprocess.TimeoutExpired:
        return None
    return ran.returncode


def run_tests(root: Path, tests: Sequence[str], processes: int = 1, start: RunPytest = run_pytest) -> Run:
    """Run tests with pytest until the first fails."""
    report, output = (root / ".cache" / f"mutants.{kind}" for kind in ("xml", "txt"))
    report.parent.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    arguments = ["-x", "-q", "-p", "no:terraform", "-p", "tests.mutants.plugin"]
    arguments += ["-n", str(processes)] if processes > 1 else []
    arguments += [f"--junitxml={report}", *(f"--ignore={path}" for path in NO_JUDGES), *tests]
    environment = {**os.environ, "SIMULATION_HISTORIES": _SIMULATED_HISTORIES}
    for name in ("SIMULATION_SEED", "FUZZ_EXAMPLES", "FUZZ_SEED", "PYTEST_ADDOPTS"):
        environment.pop(name, None)
    code = start(arguments, root, environment, _LONGEST_SECONDS, output)
    if code is None:
        return Run(broken=f"the tests have no end within {_LONGEST_SECONDS:g} s")
    if code == 0:
        return Run()
    if code != 1 or not report.exists():
        return Run(broken=f"pytest ended with {code}:\n{output.read_text(errors='replace')[-4000:]}")
    return _first_failure(ElementTree.parse(report))  # noqa: S314 - pytest has just written it


def _first_failure(report: ElementTree.ElementTree[ElementTree.Element]) -> Run:
    for case in report.iter("testcase"):
        name = _name_of(case)
        for kind in ("failure", "error"):
            outcome = case.find(kind)
            if outcome is None:
                continue
            message = (outcome.get("message") or outcome.text or "").strip()
            if kind == "error" or message.startswith(_NO_FINDINGS):
                return Run(broken=f"{name}: {message[:500]}")
            return Run(failed=(name, message))
    return Run(broken="pytest tells of a failure and names none")


def _name_of(case: ElementTree.Element) -> str:
    """`test_file.py::TestClass::test_name`; the report has the module and the class in one."""
    *_, module, classes = re.split(r"(?:^|\.)(test_\w+)", case.get("classname", ""))
    return "::".join([f"{module}.py", *filter(None, classes.split(".")), case.get("name", "")])


def copy_of(root: Path, destination: Path) -> Path:
    """A copy of the repository to break."""
    shutil.copytree(root, destination, ignore=_LEFT_OUT)
    return destination


@dataclass
class Court:
    """Judges mutants, each on one of the copies, as many at a time as there are copies.

    A set of tests judges only after it was green on a copy without a mutant.
    """

    copies: Sequence[Path]
    run: RunTests = run_tests
    _controls: dict[tuple[str, ...], Run] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _free: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._free = list(self.copies)

    def control(self, tests: Sequence[str], root: Path, processes: int = 1) -> None:
        """Make sure, once for each set of tests, that they are green on a copy without a mutant.

        Raises:
            MutantError: they are not.
        """
        with self._lock:
            found = self._controls.get(tuple(tests))
            if found is None:
                found = self._controls[tuple(tests)] = self.run(root, tests, processes)
        if not found.green:
            why = found.broken or " ".join(found.failed or ())
            raise MutantError(f"the tests are not green without a mutant, so they can judge none: {why}")

    def judge(self, mutant: Mutant) -> Judgement:
        """Break a copy, run the tests named for the mutant, then all others if these noticed nothing."""
        with self._lock:
            copy = self._free.pop()
        started = time.monotonic()
        try:
            verdict, by, remark = self._verdict(mutant, copy)
        except MutantError as error:
            verdict, by, remark = Verdict.INVALID, "", str(error)
        finally:
            with self._lock:
                self._free.append(copy)
        return Judgement(mutant, verdict, time.monotonic() - started, by, remark)

    def _verdict(self, mutant: Mutant, copy: Path) -> tuple[Verdict, str, str]:
        ran = self._broken_run(mutant, copy, mutant.tests)
        remark = ""
        if ran.green:
            self.control(ALL_TESTS, copy)
            ran = self._broken_run(mutant, copy, ALL_TESTS)
            remark = "not by a test that the list names"
        if ran.broken is not None:
            return Verdict.INVALID, "", ran.broken
        if ran.failed is None:
            return Verdict.SURVIVED, "", ""
        return Verdict.CAUGHT, ran.failed[0], remark

    def _broken_run(self, mutant: Mutant, copy: Path, tests: Sequence[str]) -> Run:
        path = copy / mutant.file
        source = path.read_text(encoding="utf-8")
        try:
            _write(path, mutant.broken(source))
            return self.run(copy, tests, 1)
        finally:
            _write(path, source)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    # Python takes compiled code for current that is of the same second and size as its source.
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()


def summary(judgements: Sequence[Judgement], seconds: float) -> str:
    """What it all came to, in one line."""
    counts: Mapping[Verdict, int] = {
        verdict: sum(judgement.verdict is verdict for judgement in judgements) for verdict in Verdict
    }
    told = ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items())
    return f"{len(judgements)} mutants: {told}, in {seconds:.0f} s"
