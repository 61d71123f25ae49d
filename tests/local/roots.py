"""Root configurations as a user applies them: each example, and the one that the README begins with.

Each has a local AWS of its own, so that it applies with the names that it has by default, and beside all else: an apply is
mostly the provider's waiting for queues.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.local_aws import LocalAws

REPOSITORY = Path(__file__).resolve().parents[2]
README = "README"
EXAMPLES = sorted(path.parent.name for path in REPOSITORY.glob("examples/*/main.tf"))
ROOTS = (README, *EXAMPLES)

_FIRST_HCL = re.compile(r"^```hcl\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_SOURCE = re.compile(
    r'(?P<before>\n\s*source\s*=\s*)"github\.com/OWNER/terraform-aws-dynamodb-restore(\?ref=[^"]+)?"'
)
_UNPROTECTED = """module "dynamodb_restore" {
  restore_table = { deletion_protection = false }
}
"""
"""The first of the two steps of a destroy (docs/changing.md), as Terraform's override file."""

NOTHING_TO_CHANGE = 0


@dataclass
class Run:
    """What came of a root configuration.

    Attributes:
        applied: the addresses of its resources after the apply.
        outputs: after the apply, by name.
        plan: what a second plan said, and its exit code: 2 where Terraform would change something.
        left: what was still there after the destroy.
        seconds: how long each step took.
    """

    applied: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    plan: tuple[int, str] = (1, "")
    left: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def readme_root() -> str:
    """The first configuration in the README, with the module taken from here.

    Raises:
        ValueError: the README has none, or it does not name the module's source as expected.
    """
    found = _FIRST_HCL.search((REPOSITORY / "README.md").read_text(encoding="utf-8"))
    if found is None:
        raise ValueError("README.md has no hcl block")
    text, count = _SOURCE.subn(r'\g<before>"./module"', found["text"])
    if count != 1:
        raise ValueError("the first hcl block of README.md does not call the module by its source")
    return text


def apply_and_destroy(name: str, scratch: Path) -> Run:
    """Apply a root configuration on a local AWS of its own, plan it again, and destroy it.

    Args:
        name: `README`, or an example's.
        scratch: an empty folder.

    Raises:
        subprocess.CalledProcessError: Terraform failed; its notes say how.
    """
    folder = _copy(name, scratch)
    run = Run()
    with LocalAws() as aws:
        terraform = _Terraform(folder, aws.environment("terraform"), scratch / "data", run.seconds)
        terraform("init", "-backend=false")
        terraform("apply", "-auto-approve", "-parallelism=64")
        run.applied = terraform("state", "list").stdout.split()
        outputs = json.loads(terraform("output", "-json").stdout)
        run.outputs = {output: each["value"] for output, each in outputs.items()}
        plan = terraform("plan", "-detailed-exitcode", allowed=(NOTHING_TO_CHANGE, 2))
        run.plan = (plan.returncode, plan.stdout)
        if name == README:
            (folder / "unprotected_override.tf").write_text(_UNPROTECTED, encoding="utf-8")
            terraform("apply", "-auto-approve", "-parallelism=64")
        terraform("destroy", "-auto-approve", "-parallelism=64")
        run.left = _left(aws)
    return run


def _copy(name: str, scratch: Path) -> Path:
    """The configuration in a folder of its own, for Terraform writes into the folder that it is run in."""
    if name == README:
        folder = scratch / "root"
        folder.mkdir()
        (folder / "main.tf").write_text(readme_root(), encoding="utf-8")
        (folder / "module").symlink_to(REPOSITORY)
        return folder
    folder = scratch / "examples" / name
    folder.mkdir(parents=True)
    for path in (REPOSITORY / "examples" / name).glob("*.tf"):
        shutil.copy(path, folder)
    # Where the examples find the module, two folders up.
    for path in (
        *REPOSITORY.glob("*.tf"),
        REPOSITORY / "modules",
        REPOSITORY / "dist",
        REPOSITORY / "lambda_src",
    ):
        (scratch / path.name).symlink_to(path)
    return folder


@dataclass(frozen=True)
class _Terraform:
    folder: Path
    aws: Mapping[str, str]
    data: Path
    seconds: dict[str, float]

    def __call__(
        self, command: str, *arguments: str, allowed: tuple[int, ...] = (0,)
    ) -> subprocess.CompletedProcess[str]:
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "TF_CLI_ARGS_a"))
        }
        began = time.monotonic()
        ran = subprocess.run(
            ["terraform", f"-chdir={self.folder}", command, *arguments],
            env={**inherited, **self.aws, "TF_DATA_DIR": str(self.data), "TF_INPUT": "0", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        self.seconds[command] = time.monotonic() - began
        if ran.returncode not in allowed:
            error = subprocess.CalledProcessError(ran.returncode, ran.args, ran.stdout, ran.stderr)
            error.add_note(f"{ran.stdout}{ran.stderr}")
            raise error
        return ran


def _left(aws: LocalAws) -> list[str]:
    """What is there in an account that should be empty, each by its kind and name."""
    clients = aws.clients()
    iam, s3 = clients.client("iam"), clients.client("s3")
    found = {
        "function": [each["FunctionName"] for each in clients.lambda_.list_functions()["Functions"]],
        "mapping": [
            each["UUID"] for each in clients.lambda_.list_event_source_mappings()["EventSourceMappings"]
        ],
        "layer": [each["LayerName"] for each in clients.lambda_.list_layers()["Layers"]],
        "queue": clients.sqs.list_queues().get("QueueUrls", []),
        "topic": [each["TopicArn"] for each in clients.sns.list_topics()["Topics"]],
        "table": clients.dynamodb.list_tables()["TableNames"],
        "rule": [each["Name"] for each in clients.events.list_rules()["Rules"]],
        "log group": [each["logGroupName"] for each in clients.logs.describe_log_groups()["logGroups"]],
        "alarm": [each["AlarmName"] for each in clients.cloudwatch.describe_alarms()["MetricAlarms"]],
        "role": [each["RoleName"] for each in iam.list_roles()["Roles"]],
        "policy": [each["PolicyName"] for each in iam.list_policies(Scope="Local")["Policies"]],
        "bucket": [each["Name"] for each in s3.list_buckets()["Buckets"]],
    }
    return sorted(f"{kind} {name}" for kind, names in found.items() for name in names)
