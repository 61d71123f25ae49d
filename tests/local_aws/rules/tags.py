"""Tags of tables."""

from __future__ import annotations

from typing_extensions import override

from .rule import Ask, Countdown, Request, Response, Rule, Table


class TableTags(Rule):
    """Tags that were just set are not seen at once, and AWS's own cannot be set.

    API reference, API_TagResource: "If you issue a ListTagsOfResource request immediately after a TagResource
    request, DynamoDB might return your previous tag set, if there was one, or an empty tag set". Developer
    guide, Tagging: a tag's key cannot begin with `aws:`, and a table has at most 50 tags of users.

    Only a function waits for tags to be seen, and only for those that a function has set: what a test has
    set is as good as old.
    """

    MOST_TAGS = 50

    def __init__(self, default_polls: int = 1) -> None:
        super().__init__()
        self.default_polls = default_polls
        self._spreading = Countdown()
        self._before: dict[Table, Response] = {}

    def settle(self, table: Table) -> None:
        """Let the tags of a table be seen as they are, as if time had passed."""
        self._spreading.clear(table)

    @override
    def reset(self) -> None:
        with self._lock:
            self._before.clear()
        self._spreading.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if request.is_call("dynamodb", "ListTagsOfResource") and request.by_function:
            if self._spreading.tick(request.table):
                with self._lock:
                    return self._before[request.table]
        elif request.is_call("dynamodb", "TagResource"):
            return self._tag(request, ask)
        return None

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if response.ok and request.is_call("dynamodb", "TagResource") and request.by_function:
            self._spreading.start(request.table, self.default_polls)
        elif response.ok and request.is_call("dynamodb", "DeleteTable"):
            self._spreading.clear(request.table)
        return response

    def _tag(self, request: Request, ask: Ask) -> Response | None:
        keys = {tag["Key"] for tag in request.parameters["Tags"]}
        if reserved := sorted(key for key in keys if key.lower().startswith("aws:")):
            return request.refuse(
                "ValidationException",
                f"One or more parameter values were invalid: the tag key {reserved[0]} is reserved",
            )
        present = _all_tags(request.parameters["ResourceArn"], ask)
        if not present.ok:
            return None  # no such table: the emulator says so itself
        have = {tag["Key"] for tag in present.json()["Tags"] if not tag["Key"].lower().startswith("aws:")}
        if len(have | keys) > self.MOST_TAGS:
            return request.refuse(
                "LimitExceededException", "The number of user tags has reached the maximum limit"
            )
        with self._lock:
            self._before[request.table] = present
        return None


def _all_tags(arn: str, ask: Ask) -> Response:
    """All tags in one answer, where the emulator gives them page by page."""
    tags = []
    more: dict[str, str] = {}
    while True:
        page = ask("ListTagsOfResource", {"ResourceArn": arn, **more})
        if not page.ok:
            return page
        answer = page.json()
        tags += answer["Tags"]
        if not answer.get("NextToken"):
            return page.with_json({"Tags": tags})
        more = {"NextToken": answer["NextToken"]}
