"""The gate on the tests themselves: its list fits the code, and it tells a mutant that is caught from one that is not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.mutants import forked
from tests.mutants.mutant import ROOT, Mutant, MutantError, load
from tests.mutants.runner import (
    NO_JUDGES,
    Court,
    Judgement,
    Run,
    RunPytest,
    Verdict,
    copy_of,
    run_pytest,
    run_tests,
    summary,
)

MUTANTS = load()

AREAS = {mutant.area for mutant in MUTANTS}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.title)
def test_a_mutant_fits_the_code_and_names_tests_that_are_there(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert mutant.broken(source) != source
    assert mutant.why.endswith(".")
    assert mutant.tests
    for test in mutant.tests:
        assert (ROOT / test).is_file(), f"{mutant.title} names {test}, which is not there"
        assert test not in NO_JUDGES


def test_there_are_mutants_of_every_part() -> None:
    folders = {Path(mutant.file).parent.name for mutant in MUTANTS}
    assert folders >= {
        "actions",
        "changes",
        "findings",
        "handlers",
        "pipeline",
        "restore",
        "settings",
        "sync",
    }
    assert len(MUTANTS) >= 60


def a_mutant(**changes: str) -> Mutant:
    entry = {
        "area": "toy",
        "name": "a sum that subtracts",
        "why": "The bill is wrong.",
        "file": "toy.py",
        "old": "a + b",
        "new": "a - b",
        **changes,
    }
    return Mutant(**entry, tests=("tests/unit/test_toy.py",))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"old": "a * b"}, "its old text is 0 times in toy.py"),
        ({"old": "a"}, "its old text is 3 times in toy.py"),
        ({"new": "a +"}, "what comes out is no Python"),
        ({"new": "(a + b)"}, "changes nothing that the program does"),
    ],
)
def test_a_mutant_that_does_not_fit_is_told(changes: dict[str, str], complaint: str) -> None:
    with pytest.raises(MutantError, match=complaint):
        a_mutant(**changes).broken("def total(a, b):\n    return a + b\n")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[[mutant]]\nname = "x"\n', "x: an entry has other fields: KeyError"),
        ('tests = []\n[[mutant]]\nname = "x"\n', "x: an entry has other fields: TypeError"),
        (
            'tests = []\nfile = "f"\nwhy = ""\nold = ""\nnew = ""\n[[mutant]]\nname = "x"\n[[mutant]]\nname = "x"\n',
            "toy: x: two entries have this name",
        ),
    ],
)
def test_a_list_that_is_written_wrongly_is_told(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "toy.toml").write_text(text)
    with pytest.raises(MutantError, match=complaint):
        load(tmp_path)


CODE = """
def total(a, b):
    return a + b


def unused(a):
    return a
"""
TESTS = """
from toy import total


def test_total():
    assert total(2, 1) == 3
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository as small as one can be, whose tests lie where those of this one do."""
    root = tmp_path / "repository"
    for folder in ("unit", "hazards", "field", "fuzz", "simulation"):
        (root / "tests" / folder).mkdir(parents=True)
    (root / "toy.py").write_text(CODE)
    (root / "tests/unit/test_toy.py").write_text(TESTS)
    (root / "tests/unit/conftest.py").write_text("")
    (root / "tests/mutants").mkdir()
    (root / "tests/mutants/plugin.py").write_text((ROOT / "tests/mutants/plugin.py").read_text())
    (root / "pytest.ini").write_text("[pytest]\npythonpath = .\naddopts = --import-mode=importlib\n")
    return root


def judged(root: Path, mutant: Mutant) -> Judgement:
    return Court([root]).judge(mutant)


def test_a_mutant_that_a_test_notices_is_caught_and_the_code_put_back(repository: Path) -> None:
    found = judged(repository, a_mutant())

    assert (found.verdict, found.by, found.remark) == (Verdict.CAUGHT, "test_toy.py::test_total", "")
    assert (repository / "toy.py").read_text() == CODE
    assert run_tests(repository, ["tests/unit/test_toy.py"]).green


@pytest.mark.parametrize("start", [run_pytest, forked.run_pytest], ids=["new", "forked"])
class TestProcesses:
    """Both ways of running pytest tell the same."""

    def test_a_mutant_is_judged(self, repository: Path, start: RunPytest) -> None:
        run = partial(run_tests, start=start)
        assert Court([repository], run).judge(a_mutant()).verdict is Verdict.CAUGHT
        assert run(repository, ["tests/unit/test_toy.py"]).green

    def test_tests_without_an_end_are_ended(self, repository: Path, tmp_path: Path, start: RunPytest) -> None:
        (repository / "tests/unit/test_toy.py").write_text("def test_it():\n    while True:\n        pass\n")
        ended = start(["tests/unit/test_toy.py"], repository, os.environ, 3.0, tmp_path / "output")
        assert ended is None

    def test_what_it_prints_is_kept(self, repository: Path, tmp_path: Path, start: RunPytest) -> None:
        output = tmp_path / "output"
        assert start(["tests/unit/no_such_test.py"], repository, os.environ, 60.0, output) == 4
        assert "no_such_test.py" in output.read_text()


def test_a_test_of_a_class_is_named_with_its_class(repository: Path) -> None:
    (repository / "tests/unit/test_toy.py").write_text(
        "from toy import total\n\nclass TestTotal:\n    def test_sum(self):\n        assert total(2, 1) == 3\n"
    )

    assert judged(repository, a_mutant()).by == "test_toy.py::TestTotal::test_sum"


def test_a_mutant_that_only_another_test_notices_is_caught_and_that_is_told(repository: Path) -> None:
    (repository / "tests/simulation/test_more.py").write_text(TESTS)
    (repository / "tests/unit/test_toy.py").write_text("def test_nothing():\n    pass\n")

    found = judged(repository, a_mutant())

    assert (found.verdict, found.by) == (Verdict.CAUGHT, "test_more.py::test_total")
    assert found.remark == "not by a test that the list names"


def test_a_mutant_that_no_test_notices_survives(repository: Path) -> None:
    found = judged(repository, a_mutant(old="return a\n", new="return -a\n"))

    assert found.verdict is Verdict.SURVIVED


@pytest.mark.parametrize(
    ("old", "new", "remark"),
    [
        ("a + b", "a + c", "NameError"),
        ("def total(a, b):", "from nowhere import nothing\ndef total(a, b):", "pytest ended with 2"),
        ("a * b", "a - b", "its old text is 0 times"),
    ],
)
def test_a_break_that_is_no_program_proves_nothing(repository: Path, old: str, new: str, remark: str) -> None:
    found = judged(repository, a_mutant(old=old, new=new))

    assert found.verdict is Verdict.INVALID
    assert remark in found.remark
    assert (repository / "toy.py").read_text() == CODE


def test_a_mutant_with_which_the_tests_never_end_is_not_caught(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.mutants.runner._LONGEST_SECONDS", 3.0)

    found = judged(repository, a_mutant(old="return a + b", new="while True:\n        pass"))

    assert found.verdict is Verdict.INVALID
    assert found.remark == "the tests have no end within 3 s"


def test_tests_that_are_red_without_a_mutant_judge_none(repository: Path) -> None:
    (repository / "tests/simulation/test_more.py").write_text("def test_wrong():\n    assert False\n")

    with pytest.raises(MutantError, match="not green without a mutant"):
        Court([repository]).control(["tests/simulation"], repository)
    found = judged(repository, a_mutant(old="return a\n", new="return -a\n"))
    assert found.verdict is Verdict.INVALID
    assert "not green without a mutant, so they can judge none: test_more.py::test_wrong" in found.remark


def test_a_control_is_run_once_for_each_set_of_tests(tmp_path: Path) -> None:
    runs: list[tuple[str, ...]] = []

    def run(_root: Path, tests: Sequence[str], _processes: int) -> Run:
        runs.append(tuple(tests))
        return Run()

    court = Court([tmp_path], run)
    court.control(["a"], tmp_path)
    court.control(["a"], tmp_path)
    court.control(["b"], tmp_path)

    assert runs == [("a",), ("b",)]


def test_a_copy_has_what_tests_need_and_nothing_that_was_made(repository: Path, tmp_path: Path) -> None:
    for made in (".git", ".venv", ".cache", "__pycache__"):
        (repository / made).mkdir()
    copy = copy_of(repository, tmp_path / "copy")

    assert sorted(path.name for path in copy.iterdir()) == ["pytest.ini", "tests", "toy.py"]


def test_the_sum_is_of_what_was_judged() -> None:
    judgements = [
        Judgement(a_mutant(), verdict, 1.0)
        for verdict in (Verdict.CAUGHT, Verdict.CAUGHT, Verdict.SURVIVED, Verdict.INVALID)
    ]
    assert summary(judgements, 12.4) == "4 mutants: 2 caught, 1 survived, 1 invalid, in 12 s"
