"""The configuration is read once, is what the environment names, and its absence is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.configuration import ConfigurationMissingError, forget, read_configuration
from tests.configuration import DOCUMENT, digest_of, item_of
from tests.unit.builders import RESTORE_TABLE, make_restore_table
from tests.unit.fakes import Aws


@pytest.fixture(autouse=True)
def _deployed(aws: Aws, clients: Clients) -> None:
    make_restore_table(clients)
    forget()


def applied(clients: Clients, document: Mapping[str, Any]) -> str:
    """What the environment names after an apply with that document."""
    clients.dynamodb.put_item(TableName=RESTORE_TABLE, Item=item_of(document))
    return digest_of(document)


def test_it_is_read_once_for_many_invocations(aws: Aws, clients: Clients) -> None:
    digest = applied(clients, DOCUMENT)
    assert [read_configuration(clients, RESTORE_TABLE, digest) for _ in range(3)] == [DOCUMENT] * 3
    (read,) = aws.named("GetItem")
    assert read["ConsistentRead"]


def test_another_one_is_read_at_once(clients: Clients) -> None:
    changed = {**DOCUMENT, "source_regions": ["eu-west-1"]}
    for document in (DOCUMENT, changed, DOCUMENT):
        digest = applied(clients, document)
        assert read_configuration(clients, RESTORE_TABLE, digest) == document


def test_one_that_is_not_there_is_told_and_found_once_it_is(clients: Clients) -> None:
    digest = digest_of(DOCUMENT)
    with pytest.raises(ConfigurationMissingError, match=f"no configuration {digest}.*terraform apply"):
        read_configuration(clients, RESTORE_TABLE, digest)
    applied(clients, DOCUMENT)
    assert read_configuration(clients, RESTORE_TABLE, digest) == DOCUMENT


def test_one_that_somebody_changed_is_not_heeded(clients: Clients) -> None:
    digest = applied(clients, DOCUMENT)
    tampered = {**item_of(DOCUMENT), "document": {"S": '{"settings": {"ttl": true}}'}}
    clients.dynamodb.put_item(TableName=RESTORE_TABLE, Item=tampered)
    with pytest.raises(ConfigurationMissingError):
        read_configuration(clients, RESTORE_TABLE, digest)
