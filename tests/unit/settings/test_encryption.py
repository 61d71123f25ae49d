"""The key of the table: cloned where that is asked for, never to a weaker one, and each difference told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.settings.encryption import Encryption
from dynamodb_restore.settings.setting import Difference, Overrides, Reading, State, Step, Table
from tests.unit.builders import carry_over, make_table, portable
from tests.unit.fakes import Aws

KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd"
OTHER = "arn:aws:kms:eu-central-1:123456789012:key/5678efab"


class Keys:
    """DynamoDB's encryption and KMS's word about keys.

    Attributes:
        keys: table name to its SSEDescription.
        managers: key ARN to its manager.
    """

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, Any]] = {}
        self.managers: dict[str, str] = {}

    def answer(
        self, operation: str, parameters: dict[str, Any], otherwise: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        if operation == "DescribeKey":
            manager = self.managers.get(parameters["KeyId"], "CUSTOMER")
            return {"KeyMetadata": {"KeyId": "k", "KeyManager": manager}}
        answer = otherwise()
        if operation == "UpdateTable" and "SSESpecification" in parameters:
            key = parameters["SSESpecification"].get("KMSMasterKeyId", OTHER)
            self.keys[parameters["TableName"]] = {
                "Status": "ENABLED",
                "SSEType": "KMS",
                "KMSMasterKeyArn": key,
            }
        if operation == "DescribeTable":
            answer["Table"].pop("SSEDescription", None)
            if parameters["TableName"] in self.keys:
                answer["Table"]["SSEDescription"] = self.keys[parameters["TableName"]]
        return answer


@pytest.fixture
def keys(aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> Keys:
    fake = Keys()
    answer = aws.answer

    def hooked(client: Any, operation: str, parameters: dict[str, Any], moto: Any) -> dict[str, Any]:
        def otherwise(*request: Any) -> dict[str, Any]:
            return fake.answer(operation, parameters, lambda: moto(*request))

        return answer(client, operation, parameters, otherwise)

    monkeypatch.setattr(aws, "answer", hooked)
    for name in ("orders", "orders-restored"):
        make_table(clients, name)
    fake.keys["orders"] = {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": KEY}
    return fake


def source(clients: Clients) -> Table:
    return Table("orders", clients)


def target(clients: Clients) -> Table:
    return Table("orders-restored", clients)


def test_the_key_is_carried_over_alone_in_its_call(keys: Keys, aws: Aws, clients: Clients) -> None:
    carry_over(Encryption(), source(clients), target(clients))
    assert aws.named("UpdateTable") == [
        {
            "TableName": "orders-restored",
            "SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY},
        }
    ]
    assert portable(Encryption(), target(clients))["key_arn"] == KEY


def test_the_key_that_aws_manages_is_not_named(keys: Keys, aws: Aws, clients: Clients) -> None:
    keys.managers[KEY] = "AWS"
    carry_over(Encryption(), source(clients), target(clients))
    (update,) = aws.named("UpdateTable")
    assert update["SSESpecification"] == {"Enabled": True, "SSEType": "KMS"}


@pytest.mark.parametrize("status", ["ENABLING", "UPDATING", "DISABLING"])
def test_a_change_under_way_is_no_end(keys: Keys, clients: Clients, status: str) -> None:
    keys.keys["orders-restored"] = {"Status": status, "SSEType": "KMS", "KMSMasterKeyArn": OTHER}
    assert Encryption().read(target(clients)).in_motion == ("its encryption is being changed",)


def test_a_key_that_is_no_longer_used_does_not_count(keys: Keys, clients: Clients) -> None:
    keys.keys["orders-restored"] = {"Status": "DISABLED", "SSEType": "KMS", "KMSMasterKeyArn": OTHER}
    assert Encryption().read(target(clients)) == Reading({"key_arn": None, "chosen": False})


def test_what_the_call_chose_is_known(keys: Keys, clients: Clients) -> None:
    chosen = Table("orders-restored", clients, overrides=Overrides(encryption=True))
    assert portable(Encryption(), chosen)["chosen"]


@pytest.mark.parametrize(
    ("wanted", "present", "chosen", "expected"),
    [
        (KEY, KEY, False, Difference()),
        (None, None, True, Difference()),
        (KEY, None, False, Difference((Step(f"encrypt with {KEY}", {"key_arn": KEY}),))),
        (KEY, OTHER, False, Difference((Step(f"encrypt with {KEY}", {"key_arn": KEY}),))),
        (
            None,
            KEY,
            False,
            Difference(
                conflicts=(
                    f"the target is encrypted with {KEY}, the source with a key that AWS owns; the target's is kept",
                )
            ),
        ),
        (
            KEY,
            None,
            True,
            Difference(
                chosen=(
                    f"the target is encrypted with a key that AWS owns, the source with {KEY}; the restore call chose it",
                )
            ),
        ),
    ],
)
def test_difference(wanted: str | None, present: str | None, *, chosen: bool, expected: Difference) -> None:
    desired: State = {"key_arn": wanted, "chosen": False}
    assert Encryption().diff(desired, {"key_arn": present, "chosen": chosen}) == expected
