"""Vector indexes, which the emulator does not have."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from .rule import RESTORE_CALLS, Ask, Request, Response, Rule, Table, describes_table


class VectorIndexes(Rule):
    """A table has the vector indexes that a test gives it, and a restore brings them back unless its call says otherwise.

    API reference, API_TableDescription: `VectorIndexes`. API_RestoreTableToPointInTime: `VectorIndexOverride`, where an empty
    list restores none.
    """

    def __init__(self) -> None:
        super().__init__()
        self._indexes: dict[Table, list[dict[str, Any]]] = {}

    def add(self, region: str, table: str, name: str, dimensions: int) -> None:
        """Give a table a vector index that is ACTIVE."""
        index = {
            "IndexName": name,
            "VectorAttribute": {"AttributeName": name},
            "Dimensions": dimensions,
            "DistanceFunction": "COSINE",
            "Projection": {"ProjectionType": "KEYS_ONLY"},
            "IndexStatus": "ACTIVE",
        }
        with self._lock:
            self._indexes.setdefault((region, table), []).append(index)

    @override
    def reset(self) -> None:
        with self._lock:
            self._indexes.clear()

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        member = describes_table(request)
        if member is None or not response.ok:
            return response
        answer = response.json()
        described = answer[member]
        table = (request.region, described["TableName"])
        with self._lock:
            if request.operation in RESTORE_CALLS and "VectorIndexOverride" not in request.parameters:
                source = request.parameters.get("SourceTableName", "")
                self._indexes[table] = list(self._indexes.get((request.region, source), []))
            indexes = self._indexes.get(table)
        if not indexes:
            return response
        return response.with_json({**answer, member: {**described, "VectorIndexes": indexes}})
