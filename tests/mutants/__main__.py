"""`python -m tests.mutants [word …]`: does every mutant of the list turn the tests red?

With words, only the mutants whose titles have one of them in it are tried. The exit code is 1 where one survives or
cannot be judged.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from tests.mutants import forked
from tests.mutants.mutant import ROOT, Mutant, MutantError, load
from tests.mutants.runner import Court, Judgement, Verdict, copy_of, run_tests, summary

_AT_A_TIME = 2


def main(words: Sequence[str]) -> int:
    started = time.monotonic()
    try:
        mutants = [mutant for mutant in load() if not words or any(word in mutant.title for word in words)]
        if not mutants:
            raise MutantError(f"no title of a mutant has {' or '.join(words)} in it")
        with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
            judgements = _judge(mutants, Path(scratch))
    except MutantError as error:
        _say(str(error))
        return 1
    _say("")
    _say(summary(judgements, time.monotonic() - started))
    unnoticed = [judgement for judgement in judgements if judgement.verdict is not Verdict.CAUGHT]
    for judgement in unnoticed:
        _say(f"\n{judgement.verdict.value}: {judgement.mutant.title} ({judgement.mutant.file})")
        _say(f"  {judgement.remark or judgement.mutant.why}")
    return 1 if unnoticed else 0


def _judge(mutants: Sequence[Mutant], scratch: Path) -> list[Judgement]:
    forked.prepare()
    copies = [copy_of(ROOT, scratch / str(number)) for number in range(_AT_A_TIME)]
    court = Court(copies, partial(run_tests, start=forked.run_pytest))
    named = sorted({test for mutant in mutants for test in mutant.tests})
    began = time.monotonic()
    court.control(named, court.copies[0], _AT_A_TIME)
    _say(f"without a mutant {len(named)} test files are green, in {time.monotonic() - began:.0f} s\n")
    width = max(len(mutant.title) for mutant in mutants)
    _say(f"{'verdict':<9} {'mutant':<{width}} {'s':>5}  first test to fail")
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        judgements = []
        for done in as_completed([pool.submit(court.judge, mutant) for mutant in mutants]):
            judgement = done.result()
            judgements.append(judgement)
            by = f"{judgement.by} ({judgement.remark})" if judgement.by and judgement.remark else judgement.by
            _say(
                f"{judgement.verdict.value:<9} {judgement.mutant.title:<{width}} {judgement.seconds:5.1f}  {by}"
            )
    return judgements


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
