"""One local AWS and one apply of the root module for all tests here; a reset of nothing in between.

Tests do not share tables: each restores to a name of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from tests.local.roots import ROOTS, Run, apply_and_destroy
from tests.local.support import Deployment, Mailbox
from tests.local_aws import Clients, LocalAws
from tests.local_aws.source_table import (
    Estate,
    SourceTable,
    delete_tables,
    make_estate,
    make_on_demand_table,
    make_source_table,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


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
        # Terraform writes the whole state after each resource: without this, a third of its work is to collect garbage.
        environment.setenv("GOGC", "400")
        environment.setenv("CHECKPOINT_DISABLE", "1")
        yield local


@pytest.fixture(scope="session", autouse=True)
def root_runs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[Run]]]:
    """The runs of the root configurations that test_examples.py asks about, begun before the first test of all.

    They mostly wait, and do so beside the other tests; no more than two at once, for the others need the machine too.
    """
    items = [item for item in request.session.items if item.path.name == "test_examples.py"]
    wanted = {
        item.callspec.params["root"]
        for item in items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
    }
    with ThreadPoolExecutor(2) as workers:
        yield {
            name: workers.submit(apply_and_destroy, name, tmp_path_factory.mktemp(f"root-{name}"))
            for name in ROOTS
            if name in wanted
        }
        workers.shutdown(wait=True, cancel_futures=True)


@pytest.fixture(scope="session")
def estate(aws: LocalAws) -> Estate:
    return make_estate(aws)


@pytest.fixture(scope="session")
def source(aws: LocalAws, estate: Estate) -> SourceTable:
    """A table with every setting that goes with provisioned capacity, which no test changes."""
    return make_source_table(aws, "orders", estate)


@pytest.fixture(scope="session")
def sessions(aws: LocalAws, estate: Estate) -> SourceTable:
    """A table with the settings that go with capacity on demand, which no test changes."""
    return make_on_demand_table(aws, "sessions", estate)


numbers = itertools.count(1)


@pytest.fixture
def new_target(aws: LocalAws) -> Iterator[Callable[..., str]]:
    """Names of restored tables, a new one with each call; the tables are gone after the test.

    What kind a table is, its name says, and the deployment treats it accordingly.
    """
    given: list[str] = []

    def new(kind: str = "restored", source: str = "orders") -> str:
        given.append(f"{source}-{kind}-{next(numbers)}")
        return given[-1]

    yield new
    delete_tables(aws, given)


@pytest.fixture(scope="session")
def reports(aws: LocalAws, deployed: Deployment) -> Mailbox:
    """A queue behind a rule for report events, as a listener would have it."""
    clients = aws.clients()
    url, arn = aws.listening_queue("listener-reports")
    clients.events.put_rule(Name="listener-reports", EventPattern='{"source": ["dynamodb-restore"]}')
    clients.events.put_targets(Rule="listener-reports", Targets=[{"Id": "queue", "Arn": arn}])
    return Mailbox(aws, url)


@pytest.fixture(scope="session")
def notifications(aws: LocalAws, deployed: Deployment) -> Mailbox:
    """A queue that is subscribed to the notification topic."""
    url, arn = aws.listening_queue("listener-notifications")
    aws.clients().sns.subscribe(TopicArn=deployed.topic_arn, Protocol="sqs", Endpoint=arn)
    return Mailbox(aws, url)


# --- for the tests of the local AWS itself ---

plain_names = (f"plain-{number}" for number in itertools.count(1))


@pytest.fixture
def clients(aws: LocalAws) -> Clients:
    return aws.clients()


@pytest.fixture(scope="session")
def function(aws: LocalAws) -> DynamoDBClient:
    """DynamoDB as a function sees it."""
    session = boto3.Session(
        aws_access_key_id=aws.account_id,
        aws_secret_access_key="local",
        aws_session_token="function/pretended",
        region_name=aws.region,
    )
    client: DynamoDBClient = session.client(
        "dynamodb", endpoint_url=aws.endpoint, config=Config(retries={"total_max_attempts": 1})
    )
    return client


@pytest.fixture
def table(aws: LocalAws, clients: Clients) -> Iterator[str]:
    """A table with nothing but point-in-time recovery; gone after the test, with those restored from it."""
    name = next(plain_names)
    clients.dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "owner", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-owner",
                "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    clients.dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    yield name
    delete_tables(aws, [name, f"{name}-restored"])


LAST_FILES = ("test_examples.py", "test_many_restores.py", "test_permissions.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What leaves much behind, or waits for what runs beside all others, comes late, and the permissions, judged by the calls that all others caused, last."""
    items.sort(key=lambda item: LAST_FILES.index(item.path.name) if item.path.name in LAST_FILES else -1)
