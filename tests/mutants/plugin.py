"""A pytest plugin for runs on a mutant: one failing example is enough, the smallest one would take minutes to find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import Phase, settings

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    # Runs once the conftest files have chosen their profile, and before a test module takes it up.
    settings.register_profile("mutants", settings.default, phases=(Phase.explicit, Phase.generate))
    settings.load_profile("mutants")
