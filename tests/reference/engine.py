"""DynamoDB Local, which is Amazon's own engine: one process on a free port, in memory, gone with the test session.

It has no option for the address that it listens on, so it listens on all; what it holds is test data.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.local_aws.processes import StartError, free_port

_FOLDER = Path(__file__).parents[2] / ".cache" / "dynamodb-local" / "engine"
_READY_TIMEOUT_SECONDS = 60.0
_LONGEST_WAIT_SECONDS = 0.5


@contextmanager
def running_engine(directory: Path) -> Iterator[str]:
    """Start the engine with its log in `directory`; give its URL; stop it.

    Raises:
        StartError: it is not installed, or did not come up.
    """
    java = shutil.which("java")
    if java is None:
        raise StartError(
            "java is not on PATH; DynamoDB Local needs Java >= 17 (on Debian: openjdk-17-jre-headless)"
        )
    if not (_FOLDER / "DynamoDBLocal.jar").exists():
        raise StartError("DynamoDB Local is not there; `make test-reference` gets it")
    port = free_port()
    log_path = directory / "engine.log"
    # One processor is left to the tests: the plain collector, and no second round of compiling.
    command = [java, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx1g"]
    command += [
        f"-Djava.library.path={_FOLDER / 'DynamoDBLocal_lib'}",
        "-jar",
        str(_FOLDER / "DynamoDBLocal.jar"),
    ]
    command += ["-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)]
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_ready(process, f"http://127.0.0.1:{port}", log_path)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_TIMEOUT_SECONDS
    wait = 0.02
    between_polls = threading.Event()
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            raise StartError(f"DynamoDB Local did not come up:\n{log.read_text(errors='replace')}")
        between_polls.wait(wait)
        wait = min(wait * 2, _LONGEST_WAIT_SECONDS)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError:
        # A request without an operation is refused, by an engine that is up.
        return True
    except OSError:
        return False
