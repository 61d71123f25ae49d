"""The root module in its deployments, all applied at once for all tests here by pytest-terraform.

A plugin of its own, which conftest.py loads when pytest starts: pytest-terraform can be used only once pytest
is configured, and conftest files are read before that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_terraform import terraform

from tests.local.support import Deployment
from tests.local_aws import LocalAws

DIST = Path(__file__).resolve().parents[2] / "dist"


@pytest.fixture(scope="session")
def artifacts_in_s3(aws: LocalAws) -> None:
    """The zips of dist/ in a bucket, for the deployments that take them from there."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="local-artifacts")
    for name in ("dynamodb_restore.zip", "dependencies_layer.zip"):
        s3.put_object(Bucket="local-artifacts", Key=name, Body=(DIST / name).read_bytes())


@pytest.fixture(scope="session")
def nothing_left(aws: LocalAws) -> Iterator[None]:
    """Checks after the destroy, for it is set up before the apply, that Terraform left nothing behind."""
    yield
    clients = aws.clients()
    alarms = clients.cloudwatch.get_paginator("describe_alarms").paginate()
    left = [
        *(each["FunctionName"] for each in clients.lambda_.list_functions()["Functions"]),
        *clients.sqs.list_queues().get("QueueUrls", []),
        *(each["TopicArn"] for each in clients.sns.list_topics()["Topics"]),
        *(name for name in clients.dynamodb.list_tables()["TableNames"] if name.endswith("-restores")),
        *(each["Name"] for each in clients.events.list_rules()["Rules"]),
        *(each["logGroupName"] for each in clients.logs.describe_log_groups()["logGroups"]),
        *(each["AlarmName"] for page in alarms for each in page["MetricAlarms"]),
        *(each["RoleName"] for each in clients.client("iam").list_roles()["Roles"]),
    ]
    plain = {name: name.rpartition("/")[2].rpartition(":")[2] for name in left}
    ours = [name for name in left if plain[name].startswith(("local", "flow-"))]
    assert not ours, f"left after terraform destroy: {ours}"


@dataclass(frozen=True)
class Stack:
    """All that Terraform deployed for these tests."""

    all: Deployment
    none: Deployment
    pipelines: Deployment
    max_attempts: int
    terraform: Any


# Makes the fixture `deployments`: init, plan and apply of terraform/deployments, and its destroy.
terraform("deployments", scope="session", replay=False)


@pytest.fixture(scope="session")
def stack(
    aws: LocalAws,
    artifacts_in_s3: None,
    tables_with_streams: None,
    nothing_left: None,
    deployments: Any,
) -> Stack:
    outputs = {name: output["value"] for name, output in deployments.outputs.items()}
    return Stack(
        all=Deployment(aws, outputs["all"]),
        none=Deployment(aws, outputs["none"]),
        pipelines=Deployment(aws, outputs["pipelines"]),
        max_attempts=outputs["max_attempts"],
        terraform=deployments.terraform,
    )


@pytest.fixture(scope="session")
def deployed(stack: Stack) -> Deployment:
    """The deployment that clones every setting."""
    return stack.all
