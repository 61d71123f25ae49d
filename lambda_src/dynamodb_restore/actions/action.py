"""What every operator action is declared as.

The commands in the outputs, docs/operator-actions.md and the statements of the operator function's policies are generated from
these declarations (`make catalog`); CONTRIBUTING.md says what else an action takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dynamodb_restore.actions.context import ActionContext, OperatorError
from dynamodb_restore.actions.permissions import Permission
from dynamodb_restore.payload import TABLE, Field
from dynamodb_restore.pipeline.pipeline import Pipeline, Pipelines

SOURCE_TABLE = Field("table", TABLE, "the source table's name or ARN", example="orders")
"""The first field of an action on a change pipeline."""

RESTORED_TABLE = Field("target", TABLE, "the restored table's name or ARN", example="orders-restored")
"""The first field of an action on a restored table."""


@dataclass(frozen=True)
class ActionCall:
    """One call of an operator action.

    Attributes:
        values: of all fields, by name, as they were read; tables as their names.
    """

    context: ActionContext
    pipelines: Pipelines
    values: Mapping[str, Any]

    def open_pipeline(self) -> Pipeline:
        """Read the change pipeline of `SOURCE_TABLE`.

        Raises:
            OperatorError: the table has none.
            ClientError, BotoCoreError: from GetItem.
        """
        table = self.values[SOURCE_TABLE.name]
        pipeline = self.pipelines.open(table)
        if pipeline is None:
            raise OperatorError(
                f"{table} has no pipeline: add it to `change_pipelines`, or check the table's name"
            )
        return pipeline


@dataclass(frozen=True)
class Action:
    """One operator action.

    Attributes:
        summary: what it does and when to call it, for the documentation; one line.
        fields: of its payload, besides `action`.
        permissions: what the operator function needs for it.
        applies_settings: whether it needs, besides, what the settings that are switched on need.
        run: does it, and returns the answer.
        in_command: the fields that a ready-made command has besides `SOURCE_TABLE`, with a value or a word in capitals to
            be replaced.
    """

    name: str
    summary: str
    fields: tuple[Field, ...]
    permissions: tuple[Permission, ...]
    run: Callable[[ActionCall], dict[str, Any]]
    applies_settings: bool = False
    in_command: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_on_a_pipeline(self) -> bool:
        """Whether it is about the change pipeline of one source table."""
        return SOURCE_TABLE in self.fields

    @property
    def example(self) -> dict[str, Any]:
        """A payload with every field."""
        return {"action": self.name, **{each.name: each.example for each in self.fields}}
