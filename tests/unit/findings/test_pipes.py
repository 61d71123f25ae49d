"""EventBridge Pipes that read the source's stream."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.finding import Finding, OutOfTimeError, TableId
from dynamodb_restore.findings.pipes import Pipes
from tests.aws.name_holders import NameHolders
from tests.unit.fakes import REGION, Aws, client_error, table_arn
from tests.unit.findings.holders import ELSEWHERE, SOURCE, TARGET, up_after

STREAM = f"{SOURCE.arn}/stream/2026-10-01T00:00:00.000"


def find(
    clients: Clients, enough_time: Callable[[], bool] = lambda: True, source: TableId = SOURCE
) -> list[Finding]:
    return list(Pipes().find(source, TARGET, clients, enough_time))


def test_pipes_that_read_the_source_are_found_with_what_to_do(holders: NameHolders, clients: Clients) -> None:
    holders.pipes["to-search"] = STREAM
    (finding,) = find(clients)
    assert finding == Finding(
        "pipes",
        "pipe to-search",
        "reads the stream of orders, so the changes of orders-restored do not reach it: create a pipe that reads the stream of "
        "orders-restored, because a pipe's source cannot be changed, and delete this one once nothing writes to orders any more",
    )


def test_pipes_on_anything_else_are_not(holders: NameHolders, clients: Clients) -> None:
    holders.pipes |= {
        "archive": f"{table_arn('orders-archive')}/stream/2026-10-01T00:00:00.000",
        "prod": f"{table_arn('prod-orders')}/stream/2026-10-01T00:00:00.000",
        "queue": f"arn:aws:sqs:{REGION}:{SOURCE.account}:orders",
        # It is as it has to be.
        "mended": f"{TARGET.arn}/stream/2026-11-22T07:00:00.000",
    }
    assert find(clients) == []


def test_all_pages_of_this_stream_alone_are_read(aws: Aws, holders: NameHolders, clients: Clients) -> None:
    for number in range(3):
        holders.pipes[f"pipe-{number}"] = STREAM
        holders.pipes[f"other-{number}"] = f"{table_arn('customers')}/stream/x"
    assert len(find(clients)) == 3
    calls = aws.named("ListPipes")
    assert len(calls) == 3
    assert {(call["SourcePrefix"], call["Limit"]) for call in calls} == {(f"{SOURCE.arn}/stream/", 100)}


def test_a_pipe_that_aws_gave_in_spite_of_the_prefix_is_not_told(
    aws: Aws, holders: NameHolders, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    otherwise = aws.answer

    def all_pipes(client: object, operation: str, parameters: dict[str, object], moto: object) -> object:
        if operation == "ListPipes":
            return {"Pipes": [{"Name": "archive", "Source": table_arn("orders-archive")}, {"Name": "bare"}]}
        return otherwise(client, operation, parameters, moto)  # type: ignore[arg-type]

    monkeypatch.setattr(aws, "answer", all_pipes)
    assert find(clients) == []


def test_pipes_are_those_of_the_sources_region(
    holders: NameHolders, regions: set[str], clients: Clients
) -> None:
    assert find(clients, source=ELSEWHERE) == []
    assert regions == {"eu-west-1"}


def test_errors_are_raised(aws: Aws, holders: NameHolders, clients: Clients) -> None:
    aws.fail("ListPipes", "AccessDeniedException", "not authorized", status=403)
    with pytest.raises(type(client_error("", "")), match="not authorized"):
        find(clients)


def test_no_call_is_made_without_time(aws: Aws, holders: NameHolders, clients: Clients) -> None:
    for number in range(3):
        holders.pipes[f"pipe-{number}"] = STREAM
    findings = Pipes().find(SOURCE, TARGET, clients, up_after(2))
    assert [next(findings).name, next(findings).name] == ["pipe pipe-0", "pipe pipe-1"]
    with pytest.raises(OutOfTimeError, match="after 2 pages of pipes"):
        next(findings)
    assert len(aws.named("ListPipes")) == 2
