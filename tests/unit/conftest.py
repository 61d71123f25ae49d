"""What all unit tests share: an AWS of their own, with nothing of the machine's configuration in it."""

from __future__ import annotations

from tests.aws.environment import isolate

isolate()

from collections.abc import Iterator  # noqa: E402
from typing import Any  # noqa: E402

import pytest  # noqa: E402
from botocore.awsrequest import AWSPreparedRequest  # noqa: E402, TC002
from botocore.client import BaseClient  # noqa: E402
from hypothesis import settings  # noqa: E402
from moto import mock_aws  # noqa: E402
from moto.core.botocore_stubber import BotocoreStubber  # noqa: E402

from dynamodb_restore.aws import Clients  # noqa: E402
from tests.unit.fakes import REGION, Aws, Clock  # noqa: E402
from tests.unit.strict import Answer, answer  # noqa: E402

# No example database and no deadline: a run depends on nothing that an earlier one left, nor on the machine's load.
settings.register_profile("unit", database=None, deadline=None, derandomize=True)
settings.load_profile("unit")


@pytest.fixture(scope="session")
def clients() -> Clients:
    """One set of clients for all tests: making them is slow, and moto does not mind."""
    return Clients(REGION)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, clients: Clients) -> Iterator[Aws]:
    """An empty AWS account, of which nothing has been listed."""
    for each in (clients, *clients._elsewhere.values()):
        each.listings.forget()
    fake = Aws()
    moto = BaseClient._make_api_call  # type: ignore[attr-defined]

    def make_api_call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        return fake.answer(client, operation, parameters, moto)

    moto_alone = BotocoreStubber.process_request

    def process_request(stubber: BotocoreStubber, request: AWSPreparedRequest) -> Answer | None:
        return answer(fake.rules, request, lambda asked: moto_alone(stubber, asked))

    with mock_aws():
        monkeypatch.setattr(BaseClient, "_make_api_call", make_api_call)
        monkeypatch.setattr(BotocoreStubber, "process_request", process_request)
        yield fake


@pytest.fixture
def clock() -> Clock:
    return Clock()
