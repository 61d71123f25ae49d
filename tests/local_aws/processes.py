"""The emulators as child processes: started on free ports, waited for, and always stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

SERVER = Path(__file__).parent / "server.py"
# One that ends early is seen at once; a busy machine takes its time.
READY_TIMEOUT_SECONDS = 300.0
LINES_SHOWN_ON_FAILURE = 30


# Straight to this machine, whatever proxy the environment names.
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class StartError(Exception):
    """An emulator did not come up; the message has the end of its log."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """One emulator process in a process group of its own, with a log file and a health URL."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        port: int,
        health_path: str,
        environment: Mapping[str, str],
        directory: Path,
    ) -> None:
        self.name = name
        self.port = port
        self.log = directory / f"{name}.log"
        self._command = list(command)
        self._health_url = f"{self.url}{health_path}"
        self._environment = dict(environment)
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process; `wait_until_ready` tells when it serves."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                # The server ends itself when this pipe closes: see server.py.
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._directory,
                env=self._environment,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        between_polls = threading.Event()
        while not self._healthy():
            if self._process is None or self._process.poll() is not None:
                raise StartError(f"{self.name} ended before it was ready:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise StartError(
                    f"{self.name} is not ready after {READY_TIMEOUT_SECONDS:g} s:\n{self.log_tail()}"
                )
            between_polls.wait(0.05)

    def stop(self) -> None:
        """End the process and all that it has started; safe to call twice, or before `start`."""
        process, self._process = self._process, None
        if process is None:
            return
        # The group, for function workers may be left even when its leader is gone; and at once, for an
        # emulator has nothing to save.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin:
            process.stdin.close()

    def log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-LINES_SHOWN_ON_FAILURE:])

    def _healthy(self) -> bool:
        try:
            with direct.open(self._health_url, timeout=5) as response:
                healthy: bool = response.status == 200
                return healthy
        except (urllib.error.URLError, OSError):
            return False

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def ministack(python: str, directory: Path, *, endpoint: str, account_id: str) -> Server:
    """ministack, whose functions call AWS at `endpoint` as Lambda's functions would: by their environment."""
    port = free_port()
    environment = {
        **_bare_environment(directory),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_ACCOUNT_ID": account_id,
        "IOT_MTLS_ENABLED": "0",
        # IAM is enforced, and functions run with their roles: see ministack_iam.py.
        "AUTH": "true",
        "LOG_LEVEL": "INFO",
        # What ministack keeps on disk goes where this run's files go.
        "STATE_DIR": str(directory / "state"),
        "S3_DATA_DIR": str(directory / "s3"),
        # Functions inherit the rest of this environment; on AWS the runtime sets the last one.
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python",
    }
    command = [python, str(SERVER), "ministack"]
    return Server(
        "ministack",
        command,
        port=port,
        health_path="/_ministack/health",
        environment=environment,
        directory=directory,
    )


def moto(python: str, directory: Path) -> Server:
    port = free_port()
    command = [python, str(SERVER), "moto", str(port)]
    environment = _bare_environment(directory)
    return Server(
        "moto",
        command,
        port=port,
        health_path="/moto-api/data.json",
        environment=environment,
        directory=directory,
    )


def _bare_environment(directory: Path) -> dict[str, str]:
    """Nothing of the caller's AWS settings, proxies or Python paths reaches an emulator or a function."""
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL") if key in os.environ}
    return {**kept, "HOME": str(directory), "TMPDIR": str(directory)}
