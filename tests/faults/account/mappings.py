"""Lambda's event source mappings, which can also be switched on and off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from typing_extensions import override

from tests.unit.fakes import EventSourceMappings, client_error


class Mappings(EventSourceMappings):
    """Switching takes a look, during which no other change is taken
    (docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html)."""

    @property
    @override
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            **super().operations,
            "GetEventSourceMapping": self._look,
            "UpdateEventSourceMapping": self._switch,
        }

    def of(self, uuid: str) -> dict[str, Any]:
        (found,) = (mapping for mapping in self.mappings if mapping["UUID"] == uuid)
        return found

    def _look(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        mapping = self.of(parameters["UUID"])
        shown = {key: value for key, value in mapping.items() if key != "_becomes"}
        mapping["State"] = mapping.pop("_becomes", mapping["State"])
        return shown

    def _switch(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        mapping = self.of(parameters["UUID"])
        if "_becomes" in mapping:
            raise client_error(
                "UpdateEventSourceMapping",
                "ResourceInUseException",
                f"Cannot update the event source mapping because it is {mapping['State']}",
            )
        enabled = parameters["Enabled"]
        mapping["State"] = "Enabling" if enabled else "Disabling"
        mapping["_becomes"] = "Enabled" if enabled else "Disabled"
        return {key: value for key, value in mapping.items() if key != "_becomes"}
