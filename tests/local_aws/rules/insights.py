"""Contributor Insights of tables and indexes."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from .rule import Ask, Countdown, Request, Response, Rule, Table

Part = tuple[Table, str]
"""A table with the name of one of its indexes, or with no name for the table itself."""


class ContributorInsights(Rule):
    """Contributor Insights have a mode, are ENABLING for a while, and may end FAILED though the call said 200.

    API reference, API_UpdateContributorInsights: `ContributorInsightsMode`. API_DescribeContributorInsights:
    `ContributorInsightsStatus` with FAILED and `FailureException`. Developer guide,
    contributorinsights_HowItWorks: without a mode, all accessed and throttled keys. The emulator forgets the
    mode, and does not forget a table that is deleted.
    """

    DEFAULT_MODE = "ACCESSED_AND_THROTTLED_KEYS"

    def __init__(self, default_polls: int = 1) -> None:
        super().__init__()
        self.default_polls = default_polls
        self._modes: dict[Part, str] = {}
        self._changing = Countdown()
        self._failing: dict[tuple[str, str], str] = {}
        self._failed: dict[Part, str] = {}

    def fail(self, table: str, reason: str, *, index: str = "") -> None:
        """Let Contributor Insights of a table or one of its indexes end FAILED the next time."""
        with self._lock:
            self._failing[(table, index)] = reason

    @override
    def reset(self) -> None:
        with self._lock:
            self._modes.clear()
            self._failing.clear()
            self._failed.clear()
        self._changing.clear()

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if request.service != "dynamodb" or not response.ok:
            return response
        if request.operation == "DeleteTable":
            self._forget(request.table)
        if request.operation == "UpdateContributorInsights":
            return self._update(request, response)
        if request.operation == "DescribeContributorInsights":
            answer = response.json()
            self._describe((request.table, request.parameters.get("IndexName", "")), answer)
            return response.with_json(answer)
        if request.operation == "ListContributorInsights":
            answer = response.json()
            for summary in answer["ContributorInsightsSummaries"]:
                part = ((request.region, summary["TableName"]), summary.get("IndexName", ""))
                self._describe(part, summary)
            return response.with_json(answer)
        return response

    def _update(self, request: Request, response: Response) -> Response:
        part = (request.table, request.parameters.get("IndexName", ""))
        enable = request.parameters["ContributorInsightsAction"] == "ENABLE"
        answer = response.json()
        with self._lock:
            self._failed.pop(part, None)
            if enable:
                mode = request.parameters.get("ContributorInsightsMode", self.DEFAULT_MODE)
                self._modes[part] = mode
                answer["ContributorInsightsMode"] = mode
                if reason := self._failing.pop((part[0][1], part[1]), ""):
                    self._failed[part] = reason
            else:
                self._modes.pop(part, None)
        self._changing.start(part, self.default_polls)
        answer["ContributorInsightsStatus"] = "ENABLING" if enable else "DISABLING"
        return response.with_json(answer)

    def _describe(self, part: Part, described: dict[str, Any]) -> None:
        changing = self._changing.tick(part)
        with self._lock:
            mode, failure = self._modes.get(part), self._failed.get(part)
        if changing:
            described["ContributorInsightsStatus"] = "ENABLING" if mode else "DISABLING"
        elif failure:
            described["ContributorInsightsStatus"] = "FAILED"
            described["FailureException"] = {
                "ExceptionName": "LimitExceededException",
                "ExceptionDescription": failure,
            }
        else:
            described["ContributorInsightsStatus"] = "ENABLED" if mode else "DISABLED"
        if mode and not failure:
            described["ContributorInsightsMode"] = mode

    def _forget(self, table: Table) -> None:
        with self._lock:
            for part in [part for part in self._modes if part[0] == table]:
                del self._modes[part]
            for part in [part for part in self._failed if part[0] == table]:
                del self._failed[part]
