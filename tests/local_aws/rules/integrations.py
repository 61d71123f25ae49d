"""Zero-ETL integrations of AWS Glue and of Amazon Redshift."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from typing_extensions import override

from ..wire import Headers
from .rule import ACCOUNT_ID, Ask, Request, Response, Rule

_FILTERS = {"glue": "SourceArn", "redshift": "source-arn"}


class Integrations(Rule):
    """DescribeIntegrations of both services tells the integrations of a source; the emulators have none.

    docs.aws.amazon.com/glue/latest/webapi/API_DescribeIntegrations.html and
    docs.aws.amazon.com/redshift/latest/APIReference/API_DescribeIntegrations.html: each service lists its own, and calls the
    filter by source otherwise.
    """

    def __init__(self) -> None:
        super().__init__()
        self._integrations: list[tuple[str, str, dict[str, Any]]] = []  # with service and region

    def add(self, service: str, region: str, name: str, source_arn: str, target_arn: str) -> None:
        """An integration that is there.

        Args:
            service: `glue` or `redshift`.
        """
        integration = {
            "IntegrationName": name,
            "IntegrationArn": f"arn:aws:{service}:{region}:{ACCOUNT_ID}:integration:{uuid.uuid4()}",
            "SourceArn": source_arn,
            "TargetArn": target_arn,
            "Status": "ACTIVE" if service == "glue" else "active",
        }
        with self._lock:
            self._integrations.append((service, region, integration))

    @override
    def reset(self) -> None:
        with self._lock:
            self._integrations.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if request.operation != "DescribeIntegrations" or request.service not in _FILTERS:
            return None
        sources = _wanted(request.parameters, _FILTERS[request.service])
        with self._lock:
            found = [
                integration
                for service, region, integration in self._integrations
                if (service, region) == (request.service, request.region)
                and (sources is None or integration["SourceArn"] in sources)
            ]
        if request.protocol == "json":
            now = time.time()
            return request.answer({"Integrations": [{**each, "CreateTime": now} for each in found]})
        listed = "".join(
            "<Integration>"
            + "".join(f"<{key}>{escape(value)}</{key}>" for key, value in integration.items())
            + "</Integration>"
            for integration in found
        )
        result = (
            f"<DescribeIntegrationsResult><Integrations>{listed}</Integrations></DescribeIntegrationsResult>"
        )
        body = f"<DescribeIntegrationsResponse>{result}</DescribeIntegrationsResponse>"
        return Response(200, Headers([("Content-Type", "text/xml")]), body.encode())


def _wanted(parameters: Mapping[str, Any], name: str) -> set[str] | None:
    """The sources that a request asks for; None where it asks for all. A form has a name of its own for each value."""
    filters = parameters.get("Filters")
    if filters is not None:
        return {value for each in filters if each["Name"] == name for value in each["Values"]}
    if name not in parameters.values():
        return None
    return {value for key, value in parameters.items() if ".Values." in key}
