"""AppSync data sources that read and write the source table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from dynamodb_restore.aws import ClientError, Clients, error_code
from dynamodb_restore.findings.catalogue import CatalogueEntry
from dynamodb_restore.findings.finding import Finding, TableId, TimeLeft, in_time
from dynamodb_restore.permissions import Statement

if TYPE_CHECKING:
    from mypy_boto3_appsync import AppSyncClient
    from mypy_boto3_appsync.type_defs import (
        DynamodbDataSourceConfigTypeDef,
        GraphqlApiTypeDef,
        ListDataSourcesResponseTypeDef,
        ListGraphqlApisResponseTypeDef,
    )

_CALLS_PER_SECOND: Final = 5
"""For reading its APIs AppSync names no rate (docs.aws.amazon.com/general/latest/gr/appsync.html), so this stays below those of others."""

_PAGE: Final = 25
"""The most that AppSync gives (docs.aws.amazon.com/appsync/latest/APIReference/API_ListDataSources.html)."""


class DataSources:
    """Data sources of the type AMAZON_DYNAMODB whose table is the source.

    Such a data source has one table. That another one of the same API has the target does not change what the resolvers of this one
    read.
    """

    kind = "data_sources"
    catalogue = CatalogueEntry(
        default=False,
        about="""
            AWS AppSync data sources whose table is the source: their API goes on with the old table. Off by default, because it
            reads the data sources of every API of the region.
        """,
        found="""
            data sources of the type AMAZON_DYNAMODB, of the APIs in the source's region, whose `tableName` or
            `deltaSyncTableName` is the source in its `awsRegion`. One line per data source.
        """,
        read=f"""
            `ListGraphqlApis`, `ListDataSources` of each (one call for {_PAGE}); together at most {_CALLS_PER_SECOND} a second.
        """,
        left_out="""
            resolvers, and code in them, that name a table (batches and transactions do); APIs of other regions and accounts.
        """,
        sources=(
            "docs.aws.amazon.com/appsync/latest/APIReference/API_ListGraphqlApis.html",
            "docs.aws.amazon.com/appsync/latest/APIReference/API_ListDataSources.html",
            "docs.aws.amazon.com/appsync/latest/APIReference/API_DynamodbDataSourceConfig.html",
            "docs.aws.amazon.com/service-authorization/latest/reference/list_awsappsync.html",
        ),
        statements=(
            Statement(
                "FindDataSources",
                ("appsync:ListGraphqlApis", "appsync:ListDataSources"),
                ("*",),
                reason="The actions know no resource to name.",
            ),
        ),
    )

    def find(
        self, source: TableId, target: TableId, clients: Clients, enough_time: TimeLeft
    ) -> Iterator[Finding]:
        if source.account != target.account:
            return  # a data source is on a table of its own account
        appsync = clients.in_region(source.region).appsync
        in_turn = enough_time.at_most(_CALLS_PER_SECOND)
        apis = [
            api
            for page in in_time(_pages_of_apis(appsync), in_turn, "pages of APIs")
            for api in page["graphqlApis"]
            # What other accounts share is theirs to read.
            if api.get("owner", source.account) == source.account
        ]
        pages = _pages_of_data_sources(appsync, apis)
        for api, page in in_time(pages, in_turn, "pages of data sources"):
            for data_source in page["dataSources"]:
                config = data_source.get("dynamodbConfig")
                if config and (advice := _advice(config, source, target)):
                    name = f"API {api.get('name', '')} ({api['apiId']}), data source {data_source['name']}"
                    yield Finding(self.kind, name, advice)


def _pages_of_apis(appsync: AppSyncClient) -> Iterable[ListGraphqlApisResponseTypeDef]:
    return appsync.get_paginator("list_graphql_apis").paginate(PaginationConfig={"PageSize": _PAGE})


def _pages_of_data_sources(
    appsync: AppSyncClient, apis: Iterable[GraphqlApiTypeDef]
) -> Iterator[tuple[GraphqlApiTypeDef, ListDataSourcesResponseTypeDef]]:
    """The pages of all APIs, each with its API."""
    listing = appsync.get_paginator("list_data_sources")
    for api in apis:
        try:
            for page in listing.paginate(apiId=api["apiId"], PaginationConfig={"PageSize": _PAGE}):
                yield api, page
        except ClientError as error:
            if error_code(error) != "NotFoundException":
                raise
            # Deleted since it was listed.


def _advice(config: DynamodbDataSourceConfigTypeDef, source: TableId, target: TableId) -> str | None:
    """What to change of a data source; None where it is not on the source."""
    if config.get("awsRegion") != source.region:
        return None
    place = "" if target.region == source.region else f" in {target.region}"
    delta = config.get("deltaSyncConfig", {}).get("deltaSyncTableName")
    parts = []
    if config.get("tableName") == source.name:
        parts.append(f"reads and writes {source.name}: set its table to {target.name}{place}")
    if delta == source.name:
        parts.append(
            f"keeps the changes of its table in {source.name}: set its delta sync table to {target.name}{place}"
        )
    if not parts:
        return None
    return f"{'; '.join(parts)}, which its role has to allow"
