"""What `make catalog` writes, and that it finds what is stale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from scripts import catalog
from scripts.catalogue import pages, settings

ROOT: Final = Path(__file__).resolve().parents[3]

PAGE: Final = "# Page\n\nBefore.\n\n<!-- BEGIN part -->\nold\n<!-- END part -->\n\nAfter.\n"


class Part:
    """A module of `scripts/catalogue` that generates one part of `page.md`, and a file."""

    def __init__(self, content: str) -> None:
        self.content = content

    def outputs(self, root: Path) -> dict[Path, str]:
        page = root / "page.md"
        return {
            page: pages.with_part(page, "part", self.content),
            root / "data.json": pages.as_json([self.content]),
        }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "page.md").write_text(PAGE)
    return tmp_path


def test_what_is_generated_here_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert catalog.main(["--check"]) == 0
    assert "up to date" in capsys.readouterr().out


def test_parts_and_files_are_written_and_the_rest_of_a_page_stays(root: Path) -> None:
    assert catalog.run(root, [Part("new")], check=False) == 0

    assert (root / "page.md").read_text() == PAGE.replace("old", "new")
    assert (root / "data.json").read_text() == '["new"]\n'


def test_the_check_names_what_is_stale_and_the_remedy_and_writes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert catalog.run(root, [Part("new")], check=True) == 1

    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said] == ["page.md", "data.json"]
    assert all("make catalog" in line for line in said)
    assert (root / "page.md").read_text() == PAGE
    assert not (root / "data.json").exists()


def test_the_check_passes_right_after_writing(root: Path) -> None:
    catalog.run(root, [Part("new")], check=False)
    assert catalog.run(root, [Part("new")], check=True) == 0


@pytest.mark.parametrize(
    "text",
    [
        "no markers\n",
        "<!-- END part -->\n<!-- BEGIN part -->\n",
        "<!-- BEGIN part -->\n<!-- END part -->\n<!-- BEGIN part -->\n<!-- END part -->\n",
    ],
)
def test_a_page_without_its_markers_is_refused(root: Path, text: str) -> None:
    (root / "page.md").write_text(text)
    with pytest.raises(pages.PageError, match="once each"):
        catalog.run(root, [Part("new")], check=False)


def test_cells_of_a_table_are_one_line_and_keep_their_bars() -> None:
    assert pages.table(["A"], [["one\n   or|two"]]) == "| A |\n| --- |\n| one or\\|two |"


def test_lists_of_texts_stand_on_one_line_and_lose_nothing() -> None:
    value = [{"a": ["x, y", "z"], "b": [], "c": [{"d": ["[q]"]}]}]
    text = pages.as_json(value)
    assert json.loads(text) == value
    assert '"a": ["x, y", "z"]' in text


def test_what_is_asked_for_by_aws_is_told_apart_from_what_is_called() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    ttl = page.split("## `ttl`\n")[1].split("\n## ")[0]
    assert "- **IAM, to read:** `dynamodb:DescribeTimeToLive` on source and target\n" in ttl
    alarms = page.split("## `cloudwatch_alarms`\n")[1].split("\n## ")[0]
    where = "on `arn:PARTITION:cloudwatch:REGION:ACCOUNT:alarm:*`"
    assert (
        f"`cloudwatch:PutMetricAlarm` {where}; `cloudwatch:TagResource` {where} (asked for by AWS, not called)"
        in alarms
    )


def test_the_readme_names_every_setting_with_its_default() -> None:
    table = settings.cloned()
    assert "| `ttl` |" in table
    assert "| `replicas` (off by default) |" in table
    assert table in (ROOT / "README.md").read_text()
