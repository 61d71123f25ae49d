"""One local AWS and one apply of the root module for all tests here; a reset of nothing in between.

Tests do not share tables: each restores to a name of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.local.support import Deployment, Mailbox
from tests.local_aws import LocalAws
from tests.local_aws.source_table import Estate, SourceTable, make_estate, make_source_table


def pytest_sessionstart(session: pytest.Session) -> None:
    for plugin in ("tests.local.deployment", "tests.local.pipelines"):
        session.config.pluginmanager.import_plugin(plugin)


@pytest.fixture(scope="session", autouse=True)
def aws() -> Iterator[LocalAws]:
    """The local AWS, which Terraform too sees from here on: pytest-terraform passes the environment on."""
    with LocalAws() as local, pytest.MonkeyPatch.context() as environment:
        for name, value in local.environment("terraform").items():
            environment.setenv(name, value)
        # Most of an apply is the provider's waiting for queues; all of them can wait at once.
        for command in ("apply", "destroy", "plan"):
            environment.setenv(f"TF_CLI_ARGS_{command}", "-parallelism=64")
        environment.setenv("CHECKPOINT_DISABLE", "1")
        yield local


@pytest.fixture(scope="session")
def estate(aws: LocalAws) -> Estate:
    return make_estate(aws)


@pytest.fixture(scope="session")
def source(aws: LocalAws, estate: Estate) -> SourceTable:
    """A table with every setting, which no test changes."""
    return make_source_table(aws, "orders", estate)


@pytest.fixture(scope="session")
def new_target() -> Callable[[], str]:
    """Names of restored tables that the main deployment follows, a new one with each call."""
    numbers = itertools.count(1)
    return lambda: f"orders-restored-{next(numbers)}"


@pytest.fixture(scope="session")
def reports(aws: LocalAws, deployed: Deployment) -> Mailbox:
    """A queue behind a rule for report events, as a listener would have it."""
    clients = aws.clients()
    url = clients.sqs.create_queue(QueueName="listener-reports")["QueueUrl"]
    clients.events.put_rule(Name="listener-reports", EventPattern='{"source": ["dynamodb-restore"]}')
    target = {"Id": "queue", "Arn": f"arn:aws:sqs:{aws.region}:{aws.account_id}:listener-reports"}
    clients.client("events").put_targets(Rule="listener-reports", Targets=[target])
    return Mailbox(aws, url)


@pytest.fixture(scope="session")
def notifications(aws: LocalAws, deployed: Deployment) -> Mailbox:
    """A queue that is subscribed to the notification topic."""
    clients = aws.clients()
    url = clients.sqs.create_queue(QueueName="listener-notifications")["QueueUrl"]
    clients.sns.subscribe(
        TopicArn=deployed.topic_arn,
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:{aws.region}:{aws.account_id}:listener-notifications",
    )
    return Mailbox(aws, url)
