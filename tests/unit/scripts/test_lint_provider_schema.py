"""What a release of the AWS provider does not know is found in our HCL, before a user of that release finds it."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from scripts import lint_provider_schema, provider_schema
from scripts.lint_provider_schema import NEVER_EMPTY_PLANS, problems_of
from scripts.provider_schema import Block, Package, Schema, SchemaError, read_extract, read_files, used

QUEUE = Block(
    required=frozenset({"name"}),
    optional=frozenset({"fifo_queue", "old"}),
    read_only=frozenset({"arn"}),
    blocks={
        "rule": Block(
            required=frozenset({"days"}), blocks={"filter": Block(frozenset(), frozenset({"prefix"}))}
        )
    },
    deprecated={"old": "6.1.0: use new"},
)
FIVE = Schema("5.100.0", {("resource", "aws_queue"): QUEUE, ("data", "aws_queue"): QUEUE})
SIX = read_extract()


def problems(tmp_path: Path, text: str, *schemas: Schema, versions: str = "") -> list[str]:
    folder = tmp_path / "modules" / "m"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.tf").write_text(text, encoding="utf-8")
    (folder / "versions.tf").write_text(versions, encoding="utf-8")
    return problems_of(read_files(tmp_path), schemas or (FIVE,))


def of_queue(tmp_path: Path, body: str, *, kind: str = "resource") -> list[str]:
    """What is wrong with the body of a queue, without where it stands."""
    address = "aws_queue.q" if kind == "resource" else "data.aws_queue.q"
    found = problems(tmp_path, f'{kind} "aws_queue" "q" {{\n{body}\n}}')
    assert all(problem.startswith(f"modules/m/main.tf: {address}: ") for problem in found)
    return [problem.removeprefix(f"modules/m/main.tf: {address}: ") for problem in found]


@pytest.mark.parametrize("kind", ["resource", "data"])
def test_what_the_provider_knows_is_fine(tmp_path: Path, kind: str) -> None:
    body = """
      # a comment about aws_queue.q.nothing
      count      = 1
      name       = "q${aws_queue.q.arn}"
      depends_on = [aws_queue.q]
      rule {
        days = 1
        filter {}
      }
      dynamic "rule" {
        for_each = []
        content {
          days = 2
        }
      }
      lifecycle {
        ignore_changes = [fifo_queue, rule[0].days]
      }
    """
    assert of_queue(tmp_path, body, kind=kind) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('name = "q"\n fifo_qeue = true', "fifo_qeue: provider 5.100.0 has no such argument"),
        ('name = "q"\n arn = "x"', "arn: provider 5.100.0 has no such argument: it can only be read"),
        ("", "name: provider 5.100.0 requires this argument"),
        ('name = "q"\n old = 1', "old: deprecated (6.1.0: use new)"),
        ('name = "q"\n rules {}', "rules: provider 5.100.0 has no such block"),
        ('name = "q"\n fifo_queue {}', "fifo_queue: provider 5.100.0 has no such block"),
        ('name = "q"\n rule {}', "rule.days: provider 5.100.0 requires this argument"),
        (
            'name = "q"\n rule {\n days = 1\n filter {\n prefx = 1\n }\n }',
            "rule.filter.prefx: provider 5.100.0 has no such argument",
        ),
        (
            'name = "q"\n dynamic "rule" {\n for_each = []\n content {\n day = 1\n days = 1\n }\n }',
            "rule.day: provider 5.100.0 has no such argument",
        ),
        (
            'name = "q"\n dynamic "rules" {\n for_each = []\n content {}\n }',
            "rules: provider 5.100.0 has no such block",
        ),
        (
            'name = "q"\n lifecycle {\n ignore_changes = [enabled]\n }',
            "lifecycle.ignore_changes: provider 5.100.0 has no enabled here",
        ),
    ],
)
def test_what_it_does_not_know_is_told(tmp_path: Path, body: str, problem: str) -> None:
    assert of_queue(tmp_path, body) == [problem]


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("aws_queue.q.arn", None),
        ("aws_queue.q[*].rule", None),
        ('aws_queue.q[local.keys["a"]].arn', None),
        ("aws_queue.q", None),
        ("aws_queue.q.arm", "aws_queue.q.arm: provider 5.100.0 has no such attribute"),
        (
            'aws_queue.q[local.keys["a"]].arm',
            'aws_queue.q[local.keys["a"]].arm: provider 5.100.0 has no such attribute',
        ),
        ("data.aws_queue.q[0].url", "data.aws_queue.q[0].url: provider 5.100.0 has no such attribute"),
        ("data.aws_queue.q.old", "data.aws_queue.q.old: deprecated (6.1.0: use new)"),
    ],
)
def test_references_are_held_against_it_too(tmp_path: Path, reference: str, told: str | None) -> None:
    text = f'resource "aws_queue" "q" {{\n name = "q"\n}}\n locals {{\n a = "x${{lower({reference})}}y"\n}}'
    assert problems(tmp_path, text) == ([f"modules/m/main.tf: {told}"] if told else [])


def test_a_resource_that_there_is_not_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path, 'resource "aws_qeue" "q" {}') == [
        "modules/m/main.tf: aws_qeue.q: provider 5.100.0 has no such resource"
    ]


def test_a_resource_that_release_6_has_dropped_is_told(tmp_path: Path) -> None:
    found = problems(tmp_path, 'resource "aws_opsworks_stack" "s" {}', SIX)
    assert (
        f"modules/m/main.tf: aws_opsworks_stack.s: provider {SIX.release} has no such resource any more"
        in found
    )


def test_a_resource_that_the_extract_has_not_is_told(tmp_path: Path) -> None:
    found = problems(tmp_path, 'resource "aws_vpc" "v" {}', SIX)
    (told,) = (problem for problem in found if problem.startswith("modules/m/main.tf"))
    assert "run make provider-schema" in told


def test_an_extract_that_holds_what_is_not_used_is_told(tmp_path: Path) -> None:
    assert "scripts/provider-6.json: no data aws_region is used here; run make provider-schema" in problems(
        tmp_path, "", SIX
    )


def test_the_extract_knows_what_release_6_deprecates(tmp_path: Path) -> None:
    text = 'data "aws_region" "here" {}\n locals {\n a = data.aws_region.here.name\n}'
    assert (
        "modules/m/main.tf: data.aws_region.here.name: deprecated (6.0.0: use id, which release 5 has too)"
        in problems(tmp_path, text, SIX)
    )


def test_the_extract_is_of_release_6_and_has_what_is_used_here() -> None:
    assert SIX.release.startswith("6.")
    assert SIX.blocks.keys() == used(read_files())
    encryption = SIX.blocks["resource", "aws_s3_bucket_server_side_encryption_configuration"]
    assert "blocked_encryption_types" in encryption.blocks["rule"].arguments
    assert Block.from_json(encryption.to_json()) == encryption


ENCRYPTION = """
resource "aws_s3_bucket_server_side_encryption_configuration" "b" {}
"""


def versions(constraint: str) -> str:
    return (
        'terraform {\n required_providers {\n aws = {\n source = "hashicorp/aws"\n '
        f'version = "{constraint}"\n }}\n }}\n}}'
    )


def test_releases_that_never_plan_nothing_must_be_excluded_where_it_matters(tmp_path: Path) -> None:
    schema = Schema("5.100.0", {("resource", next(iter(NEVER_EMPTY_PLANS))): Block()})
    (releases,) = NEVER_EMPTY_PLANS.values()
    all_but_one = ", ".join(f"!= {release}" for release in releases[:-1])

    assert problems(tmp_path, "", schema, versions=versions(">= 5.81")) == []
    (told,) = problems(tmp_path, ENCRYPTION, schema, versions=versions(f">= 5.81, {all_but_one}"))
    assert "the releases 6.39.0 of the provider" in told
    assert "modules/m/versions.tf" in told
    every = versions(f"{all_but_one}, != {releases[-1]}")
    assert problems(tmp_path, ENCRYPTION, schema, versions=every) == []


def test_a_file_that_cannot_be_parsed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.tf").write_text('resource "aws_queue" {', encoding="utf-8")
    monkeypatch.setattr(provider_schema, "ROOT", tmp_path)
    assert lint_provider_schema.main() == 1
    assert "main.tf cannot be parsed" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "code"), [('resource "aws_queue" "q" {}', 1), ("", 0)])
def test_it_fails_where_there_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, code: int
) -> None:
    (tmp_path / "main.tf").write_text(text, encoding="utf-8")
    monkeypatch.setattr(provider_schema, "ROOT", tmp_path)
    monkeypatch.setattr(lint_provider_schema, "installed_schema", lambda: FIVE)
    monkeypatch.setattr(lint_provider_schema, "read_extract", lambda: Schema("6.25.0", FIVE.blocks))
    assert lint_provider_schema.main() == code
    assert f"held against 5.100.0 and 6.25.0, {2 * code} problem(s)" in capsys.readouterr().out


# --- the package that the extract is made from ---

LINK = "{@link https://docs.example/hashicorp/aws/6.25.0/docs/resources/queue"


def member(name: str, *, optional: bool = True, block: bool = False, **type_of: Any) -> dict[str, Any]:
    documentation = f"Docs at Terraform Registry: {LINK}#{name} Queue#{name}}}."
    return {
        "name": name,
        "optional": optional,
        "docs": {"summary": f"{name} block.", "remarks": documentation}
        if block
        else {"summary": documentation},
        "type": type_of or {"primitive": "string"},
    }


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    types = {
        "p.queue.Queue": {
            "kind": "class",
            "docs": {"summary": f"Represents a {LINK} aws_queue}}."},
            "locationInModule": {"filename": "src/queue/index.ts"},
            "initializer": {
                "parameters": [
                    {"name": "scope", "type": {"fqn": "constructs.Construct"}},
                    {"name": "config", "type": {"fqn": "p.queue.QueueConfig"}},
                ]
            },
        },
        "p.queue.QueueConfig": {
            "kind": "interface",
            "properties": [
                {"name": "count", "docs": {}, "type": {"primitive": "number"}},
                member("name", optional=False),
                member("fifo_queue"),
                member(
                    "rule",
                    block=True,
                    union={
                        "types": [
                            {"fqn": "cdktf.IResolvable"},
                            {"collection": {"kind": "array", "elementtype": {"fqn": "p.queue.QueueRule"}}},
                        ]
                    },
                ),
            ],
        },
        "p.queue.QueueRule": {"kind": "interface", "properties": [member("days", optional=False)]},
    }
    javascript = (
        "class QueueRuleOutputReference extends cdktf.ComplexObject {\n"
        "    // of_the_rule - computed: true, optional: false, required: false\n}\n"
        "class Queue extends cdktf.TerraformResource {\n"
        "        // rules_seen - computed: true, optional: false, required: false\n"
        "    // arn - computed: true, optional: false, required: false\n"
        "    // rule - computed: false, optional: true, required: false\n}\n"
    )
    assembly = io.BytesIO()
    with tarfile.open(fileobj=assembly, mode="w:gz") as files:
        for name, text in {
            "package/.jsii": json.dumps({"types": types}),
            "package/lib/queue/index.js": javascript,
        }.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            files.addfile(entry, io.BytesIO(text.encode()))
    path = tmp_path / "provider_aws-21.0.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("provider_aws/_jsii/provider-aws@21.0.0.jsii.tgz", assembly.getvalue())
    return path


def test_the_package_tells_arguments_blocks_and_what_can_only_be_read(wheel: Path) -> None:
    package = Package(wheel)
    assert (package.release, package.name) == ("6.25.0", "provider_aws-21.0.0")
    assert package.block("resource", "aws_queue") == Block(
        required=frozenset({"name"}),
        optional=frozenset({"fifo_queue"}),
        read_only=frozenset({"arn", "rules_seen"}),
        blocks={"rule": Block(required=frozenset({"days"}))},
    )


def test_what_is_deprecated_is_noted_where_it_stands(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deprecated = {
        ("resource", "aws_queue", "fifo_queue"): "6.1.0",
        ("resource", "aws_queue", "rule.days"): "6.2.0",
    }
    monkeypatch.setattr(provider_schema, "DEPRECATED", deprecated)
    block = Package(wheel).block("resource", "aws_queue")
    assert block.deprecated == {"fifo_queue": "6.1.0"}
    assert block.blocks["rule"].deprecated == {"days": "6.2.0"}


def test_what_the_package_has_not_cannot_be_extracted(wheel: Path) -> None:
    with pytest.raises(SchemaError, match=r"provider 6\.25\.0 has no data aws_queue"):
        Package(wheel).block("data", "aws_queue")


def test_an_extract_is_read_as_it_was_written(wheel: Path, tmp_path: Path) -> None:
    before = Schema(
        "5.100.0", {("resource", "aws_queue"): Block(), ("resource", "aws_opsworks_stack"): Block()}
    )
    text = provider_schema.write_extract(Package(wheel), {("resource", "aws_queue")}, before)
    path = tmp_path / "extract.json"
    path.write_text(text, encoding="utf-8")

    extract = read_extract(path)
    assert extract.release == "6.25.0"
    assert extract.dropped == {("resource", "aws_opsworks_stack")}
    assert extract.blocks == {("resource", "aws_queue"): Package(wheel).block("resource", "aws_queue")}


def test_what_terraform_prints_is_read() -> None:
    block = Block.from_terraform(
        {
            "attributes": {
                "name": {"required": True},
                "fifo_queue": {"optional": True, "computed": True, "deprecated": True},
                "arn": {"computed": True},
            },
            "block_types": {
                "rule": {"block": {"attributes": {"days": {"required": True}}, "deprecated": True}}
            },
        }
    )
    assert block == Block(
        required=frozenset({"name"}),
        optional=frozenset({"fifo_queue"}),
        read_only=frozenset({"arn"}),
        blocks={"rule": Block(required=frozenset({"days"}))},
        deprecated={"fifo_queue": "in release 5 already", "rule": "in release 5 already"},
    )
