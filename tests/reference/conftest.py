"""One engine for all tests here; each test has tables of its own, and nothing of the machine's configuration."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

# Before anything imports boto3 or Powertools, which read the environment while they are imported.
for _name in [name for name in os.environ if name.startswith(("AWS_", "POWERTOOLS_"))]:
    del os.environ[_name]
os.environ |= {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "POWERTOOLS_SERVICE_NAME": "dynamodb-restore",
    "POWERTOOLS_METRICS_NAMESPACE": "DynamoDBRestore",
}

from typing import TYPE_CHECKING, Any  # noqa: E402

import pytest  # noqa: E402

from dynamodb_restore.aws import Clients  # noqa: E402
from tests.reference.engine import running_engine  # noqa: E402
from tests.reference.pipeline import Pipeline  # noqa: E402

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from tests.reference.tables import Schema


@pytest.fixture(scope="session", autouse=True)
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The engine, which every client that is made from here on talks to."""
    with (
        running_engine(tmp_path_factory.mktemp("engine")) as url,
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        environment.setenv("AWS_ENDPOINT_URL_DYNAMODB_STREAMS", url)
        yield


@pytest.fixture
def dynamodb() -> DynamoDBClient:
    return Clients().dynamodb


@pytest.fixture
def make_pipeline(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Pipeline]:
    """Makes pipelines, whose functions are set up until the test ends."""

    def make(name: str, schema: Schema, **options: Any) -> Pipeline:
        return Pipeline(name, schema, monkeypatch, **options)

    return make
