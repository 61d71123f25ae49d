"""Every code that people see says what happened and what to do, and stays the text that it is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest

from dynamodb_restore.codes import ExplainedCode
from dynamodb_restore.pipeline.obstacles import ACCEPTABLE, ObstacleCode
from dynamodb_restore.restore.reasons import ReasonCode
from dynamodb_restore.restore.report import Result

ROOT: Final = Path(__file__).resolve().parents[2]
CODE: Final = ROOT / "lambda_src" / "dynamodb_restore"
ALL: Final[list[ExplainedCode]] = [*Result, *ReasonCode, *ObstacleCode]


@pytest.mark.parametrize("code", ALL, ids=lambda code: f"{type(code).__name__}.{code.name}")
def test_a_code_is_explained(code: ExplainedCode) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code.value)
    assert code.value == code.name.lower()
    assert code.happened.strip().endswith(".")
    assert code.to_do.strip().endswith(".")


@pytest.mark.parametrize("code", [*ReasonCode, *ObstacleCode], ids=lambda code: code.value)
def test_a_code_is_used(code: ExplainedCode) -> None:
    name = f"{type(code).__name__}.{code.name}"
    assert [path for path in CODE.rglob("*.py") if re.search(rf"\b{re.escape(name)}\b", path.read_text())]


def test_a_code_is_found_again_by_its_text_and_is_that_text_in_json() -> None:
    assert ReasonCode("target_gone") is ReasonCode.TARGET_GONE
    assert json.dumps({"code": ReasonCode.TARGET_GONE}) == '{"code": "target_gone"}'
    assert f"{ReasonCode.TARGET_GONE}" == "target_gone"


def test_codes_are_one_thing_each() -> None:
    texts = [code.value for code in ALL]
    assert len(texts) == len(set(texts))


def test_all_obstacles_can_be_accepted_but_that_there_is_nothing_to_cut_over() -> None:
    assert set(ACCEPTABLE) == {code.value for code in ObstacleCode} - {"not_replaying"}


def test_the_page_has_an_anchor_for_each_code() -> None:
    page = (ROOT / "docs" / "reason-codes.md").read_text()
    assert re.findall(r'<a id="(\w+)"></a>', page) == [code.value for code in ALL]
