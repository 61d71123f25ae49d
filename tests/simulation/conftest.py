"""Tells which seeds are run."""

from __future__ import annotations

from tests.simulation.seeds import told


def pytest_report_header() -> str:
    return told()
