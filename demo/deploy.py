"""Terraform in an example's folder, shown as it goes, with everything that it writes elsewhere."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from demo.show import Show
from tests.local_aws import LocalAws

# What is named one by one as it is made; the rest (roles, policies, permissions) is counted.
NAMED = {
    "aws_cloudwatch_event_rule": "rule",
    "aws_cloudwatch_metric_alarm": "alarm",
    "aws_dynamodb_table": "table",
    "aws_lambda_function": "function",
    "aws_lambda_layer_version": "layer",
    "aws_sns_topic": "topic",
    "aws_sqs_queue": "queue",
}
PARTS = ("notifications", "restore_events", "restore_worker", "reconciler", "change_pipelines")


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


class Terraform:
    """One example on the local AWS."""

    def __init__(
        self, aws: LocalAws, example: Path, scratch: Path, show: Show, variables: Mapping[str, Any]
    ) -> None:
        self._show = show
        self._example = example
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self._environment = {
            **inherited,
            **aws.environment("terraform"),
            **{f"TF_VAR_{name}": _variable(value) for name, value in variables.items()},
            "TF_DATA_DIR": str(scratch / "terraform"),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
        }
        self._state = f"-state={scratch / 'terraform.tfstate'}"

    def init(self) -> None:
        if shutil.which("terraform") is None:
            raise DemoError("terraform is not on PATH; install Terraform 1.9 or later")
        self._show.note("terraform init")
        self._run("init", "-input=false", "-no-color")

    def apply(self) -> None:
        self._show.note("terraform apply")
        count = self._stream("apply")
        self._show.note(f"made: {count} resources")

    def destroy(self) -> None:
        self._show.note("terraform destroy")
        count = self._stream("destroy")
        self._show.note(f"gone: {count} resources")

    def outputs(self) -> dict[str, Any]:
        outputs = json.loads(self._run("output", "-json", self._state))
        return {name: output["value"] for name, output in outputs.items()}

    def _command(self, *arguments: str) -> list[str]:
        return ["terraform", f"-chdir={self._example}", *arguments]

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            self._command(*arguments), env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise DemoError(f"terraform {arguments[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _stream(self, command: str) -> int:
        """Run apply or destroy and say what becomes of the resources as it does; returns their number."""
        count = 0
        problems: list[str] = []
        arguments = ("-json", "-input=false", "-auto-approve", "-parallelism=64", self._state)
        with subprocess.Popen(
            self._command(command, *arguments),
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                for line in process.stdout or ():
                    message = _message(line)
                    if message.get("@level") == "error":
                        problems.append(_problem(message))
                    if message.get("type") == "apply_complete" and message["hook"]["action"] != "read":
                        count += 1
                        self._tell(message["hook"])
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            raise DemoError(f"terraform {command} failed:\n" + "\n".join(problems))
        return count

    def _tell(self, hook: Mapping[str, Any]) -> None:
        resource = hook["resource"]
        kind = NAMED.get(resource["resource_type"])
        if kind is None or hook["action"] == "delete":
            return
        part = next((part for part in PARTS if f".{part}[" in resource["addr"]), "").replace("_", "-")
        # Ids are names, URLs or ARNs; of a layer's, the last piece is its version.
        pieces = str(hook.get("id_value", "")).replace("/", ":").split(":")
        name = pieces[-2] if kind == "layer" else pieces[-1]
        self._show.note(f"  {kind:<9} {name:<47} {part:<16} {hook['elapsed_seconds']:>3.0f} s")


@contextlib.contextmanager
def lock_file_left_alone(example: Path) -> Iterator[None]:
    """Terraform leaves a lock file in the example's folder; take it away in the end, unless it was there."""
    lock_file = example / ".terraform.lock.hcl"
    was_there = lock_file.exists()
    try:
        yield
    finally:
        if not was_there:
            lock_file.unlink(missing_ok=True)


def _variable(value: Any) -> str:
    """A value as Terraform reads it from the environment: text stands for itself."""
    return value if isinstance(value, str) else json.dumps(value)


def _message(line: str) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except ValueError:
        message = None
    # What is no message of Terraform's own, such as a crash, is told as an error.
    return message if isinstance(message, dict) else {"@level": "error", "@message": line.rstrip()}


def _problem(message: Mapping[str, Any]) -> str:
    return str(message.get("diagnostic", {}).get("detail") or message["@message"])
