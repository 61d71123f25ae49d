"""DynamoDB's Kinesis destinations, and the streams behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.aws.errors import client_error
from tests.aws.names import kinesis_arn


@dataclass
class KinesisDestinations:
    """DynamoDB's Kinesis destinations: enabling takes some looks, and may fail while it is looked at.

    Each stream exists, but for those that were deleted; a destination keeps the ARN of such a one. Kinesis' own words are those
    of AWS (ack-api-quirks, DDB-TABLE-446). In which DynamoDB refuses such a stream is not documented: `refusal`.

    Attributes:
        refusal: code and message of DynamoDB's answer where a stream is gone.
        deleted: the ARNs of streams that are gone, or going: the status that Kinesis tells, None where it knows none.
    """

    looks_until_done: int = 0
    failure: str | None = None
    destinations: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    refusal: tuple[str, str] = ("ResourceNotFoundException", "Requested resource not found")
    deleted: dict[str, str | None] = field(default_factory=dict)
    _looks: int = 0

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "DescribeKinesisStreamingDestination": self._describe,
            "EnableKinesisStreamingDestination": self._enable,
            "DescribeStreamSummary": self._describe_stream,
        }

    def put(self, table: str, stream: str, status: str = "ACTIVE", **more: str) -> None:
        """Give a table a destination without a call."""
        self.destinations.setdefault(table, []).append(
            {"StreamArn": kinesis_arn(stream), "DestinationStatus": status, **more}
        )

    def delete(self, stream: str, status: str | None = None) -> None:
        """Delete a stream without a call.

        Args:
            status: `DELETING` while Kinesis still knows it.
        """
        self.deleted[kinesis_arn(stream)] = status

    def _describe_stream(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        arn = parameters["StreamARN"]
        status = self.deleted.get(arn, "ACTIVE")
        name, account = arn.rpartition("/")[2], arn.split(":")[4]
        if status is None:
            message = f"Stream {name} under account {account} not found."
            raise client_error("DescribeStreamSummary", "ResourceNotFoundException", message)
        return {"StreamDescriptionSummary": {"StreamName": name, "StreamARN": arn, "StreamStatus": status}}

    def _describe(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        destinations = self.destinations.get(parameters["TableName"], [])
        for destination in destinations:
            if destination["DestinationStatus"] == "ENABLING":
                self._looks += 1
                if self._looks > self.looks_until_done:
                    self._finish(destination)
        return {
            "TableName": parameters["TableName"],
            "KinesisDataStreamDestinations": [dict(destination) for destination in destinations],
        }

    def _finish(self, destination: dict[str, str]) -> None:
        if self.failure is None:
            destination["DestinationStatus"] = "ACTIVE"
        else:
            destination["DestinationStatus"] = "ENABLE_FAILED"
            destination["DestinationStatusDescription"] = self.failure

    def _enable(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if parameters["StreamArn"] in self.deleted:
            raise client_error("EnableKinesisStreamingDestination", *self.refusal)
        for present in self.destinations.get(parameters["TableName"], []):
            if present["DestinationStatus"] not in ("DISABLED", "ENABLE_FAILED"):
                # In these words AWS also refuses what it is already doing.
                raise client_error(
                    "EnableKinesisStreamingDestination",
                    "ValidationException",
                    "Table is not in a valid state to enable Kinesis Streaming Destination: "
                    "EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation.",
                )
        configuration = parameters.get("EnableKinesisStreamingConfiguration", {})
        destination = {
            "StreamArn": parameters["StreamArn"],
            "DestinationStatus": "ENABLING",
            "ApproximateCreationDateTimePrecision": configuration.get(
                "ApproximateCreationDateTimePrecision", "MILLISECOND"
            ),
        }
        others = [
            other
            for other in self.destinations.get(parameters["TableName"], [])
            if other["StreamArn"] != parameters["StreamArn"]
        ]
        self.destinations[parameters["TableName"]] = [*others, destination]
        return {
            "TableName": parameters["TableName"],
            "StreamArn": parameters["StreamArn"],
            "DestinationStatus": "ENABLING",
            "EnableKinesisStreamingConfiguration": configuration,
        }
