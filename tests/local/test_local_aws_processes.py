"""The emulators never outlive whoever started them, however that one ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.local_aws import LocalAws, StartError
from tests.local_aws.processes import Server, free_port

ROOT = Path(__file__).resolve().parents[2]

# Starts a local AWS, says where its files are and which processes it has, and then waits for its end.
OWNER = """
import signal
from tests.local_aws import LocalAws
# A shell starts what it runs in the background with SIGINT ignored, which is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
with LocalAws() as aws:
    processes = [server._process.pid for server in aws._servers.values()]
    print(aws.log("moto").parent, *processes, flush=True)
    signal.pause()
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    # One that has ended but that nobody has waited for yet is not alive.
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_all_processes_end_with_their_owner(aws: LocalAws, end: signal.Signals) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with owner:
        assert owner.stdout
        directory, *pids = owner.stdout.readline().decode().split()
        assert len(pids) == 2
        assert all(is_alive(int(pid)) for pid in pids)
        owner.send_signal(end)
        owner.wait(timeout=300)
    aws.wait_until(
        lambda: not any(is_alive(int(pid)) for pid in pids), timeout=300, what="the end of the emulators"
    )
    if end is signal.SIGKILL:
        shutil.rmtree(directory)  # nobody was left to do it
    assert not Path(directory).exists()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such thing as a port')"]
    server = Server("broken", command, port=free_port(), health_path="/", environment={}, directory=tmp_path)
    with (
        server,
        pytest.raises(StartError, match=r"(?s)broken ended before it was ready:.*no such thing as a port"),
    ):
        server.wait_until_ready()


def test_without_an_interpreter_for_ministack_the_message_names_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LOCAL_AWS_PYTHON", raising=False)
    with pytest.raises(StartError, match="make test"):
        LocalAws()
