"""Run pytest in a process that is forked from one which has imported what all tests import of other people's.

That is more than half of the time that the tests named for a mutant take. Nothing of this repository is imported before the
fork: each run imports the copy that it judges.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.aws.environment import isolate

_IMPORTED = (
    "pytest",
    "hypothesis",
    "hypothesis.strategies",
    "boto3",
    "botocore.session",
    "aws_lambda_powertools",
    "moto",
    "moto.applicationautoscaling.models",
    "moto.awslambda.models",
    "moto.cloudwatch.models",
    "moto.dynamodb.models",
    "moto.events.models",
    "moto.iam.models",
    "moto.kinesis.models",
    "moto.s3.models",
    "moto.sns.models",
    "moto.sqs.models",
    "moto.sts.models",
)

_PROCESSES = multiprocessing.get_context("forkserver")


def prepare() -> None:
    """Start the process that all others are forked from, in the surroundings that the tests make for themselves."""
    isolate()
    _PROCESSES.set_forkserver_preload(list(_IMPORTED))


def run_pytest(
    arguments: Sequence[str], root: Path, environment: Mapping[str, str], seconds: float, output: Path
) -> int | None:
    """Run pytest on a repository.

    Args:
        seconds: after which it is stopped.
        output: where what it prints goes.

    Returns:
        Its exit code; None where it had no end.
    """
    process = _PROCESSES.Process(
        target=_run, args=(list(arguments), str(root), dict(environment), str(output))
    )
    process.start()
    process.join(seconds)
    if not process.is_alive():
        return process.exitcode
    # With all that it has started.
    with suppress(ProcessLookupError):
        os.killpg(process.pid or 0, signal.SIGKILL)
    process.join()
    return None


def _run(arguments: list[str], root: str, environment: dict[str, str], output: str) -> None:
    os.setsid()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    printed = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for descriptor in (1, 2):
        os.dup2(printed, descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(root)
    # This module came from the repository that is not to be judged.
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]
    here = str(Path(__file__).resolve().parents[2])
    sys.path[:] = [root, *(path for path in sys.path if path not in ("", here, root))]
    # Plugins that are imported already cannot be rewritten for better messages, and need not be.
    sys.exit(pytest.main(["-W", "ignore::pytest.PytestAssertRewriteWarning", *arguments]))


def _end_with_parent() -> None:
    """A run whose starter was killed would go on for as long as its tests take."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.killpg(0, signal.SIGKILL)
