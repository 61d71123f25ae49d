"""Hold our HCL against the schemas of the AWS provider's releases 5 and 6. What either does not know is a problem.

    python scripts/lint_provider_schema.py

Terraform itself validates against the one release that is installed. This program looks at every resource, data source,
argument, nested block, ignored change and reference in the root, the modules and the examples, and tells
- what one of the two releases does not have, or asks for and does not get;
- what either has deprecated;
- a folder that makes what some releases plan to change for ever, and that does not exclude those releases;
- an extract of release 6 (scripts/provider-6.json) that holds more or less than what is used here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.provider_schema import (
    BUILT_IN,
    Block,
    Declaration,
    Schema,
    SchemaError,
    declarations,
    installed_schema,
    read_extract,
    read_files,
    used,
)

# Releases 6.22 to 6.39 know `blocked_encryption_types` and take it for empty where it is not given, while S3 answers
# ["NONE"] or ["SSE-C"]: they plan to change it with every plan. From 6.40.0 on it is computed, and left alone
# (github.com/hashicorp/terraform-provider-aws: CHANGELOG.md of 6.22.0, issue 47320 about 6.37 and 6.39, pull request 47359;
# github.com/cloudposse/terraform-aws-cloudfront-s3-cdn, pull request 379, has both ends). The releases are those of the changelog.
_ENCRYPTION = "aws_s3_bucket_server_side_encryption_configuration"
NEVER_EMPTY_PLANS: Mapping[str, Sequence[str]] = {
    _ENCRYPTION: (
        *("6.22.0", "6.22.1", "6.23.0", "6.24.0", "6.25.0", "6.26.0", "6.27.0", "6.28.0", "6.29.0", "6.30.0"),
        *("6.31.0", "6.32.0", "6.32.1", "6.33.0", "6.34.0", "6.35.0", "6.35.1", "6.36.0", "6.37.0", "6.38.0"),
        "6.39.0",
    ),
}

# Arguments and blocks that Terraform itself gives a meaning to.
META_ARGUMENTS = frozenset({"count", "depends_on", "for_each", "provider"})
META_BLOCKS = frozenset({"connection", "lifecycle", "provisioner"})
REFERENCE = re.compile(
    r"(?<![\w.-])(?P<data>data\.)?(?P<type>aws_\w+)\.(?P<name>[A-Za-z_][\w-]*)"
    r"(?:\[(?:[^\[\]]|\[[^\[\]]*\])*\])?\.(?P<attribute>[A-Za-z_]\w*)"
)
IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


def problems_of(files: Mapping[str, Mapping[str, Any]], schemas: Sequence[Schema]) -> list[str]:
    """All that is wrong, each once, in order."""
    found = {problem for schema in schemas for problem in _against(files, schema)}
    return sorted(found | set(_never_empty_plans(files)))


def _against(files: Mapping[str, Mapping[str, Any]], schema: Schema) -> Iterator[str]:
    for each in declarations(files):
        where = f"{each.file}: {each.address}"
        if each.type == BUILT_IN:
            continue
        block = schema.blocks.get((each.kind, each.type))
        if block is None:
            yield f"{where}: {_unknown(each.kind, each.type, schema)}"
        else:
            yield from _body(each.body, block, where, schema)
            yield from _ignored(each, block, where, schema)
    for file, content in files.items():
        for match in (match for text in _texts(content) for match in REFERENCE.finditer(text)):
            yield from _reference(file, match, schema)
    if not schema.whole:
        for kind, name in sorted(schema.blocks.keys() - used(files)):
            yield f"scripts/provider-6.json: no {kind} {name} is used here; run make provider-schema"


def _unknown(kind: str, name: str, schema: Schema) -> str:
    if (kind, name) in schema.dropped:
        return f"provider {schema.release} has no such {kind} any more"
    if schema.whole:
        return f"provider {schema.release} has no such {kind}"
    return f"scripts/provider-6.json has no such {kind}; run make provider-schema, which says whether provider {schema.release} has it"


def _body(body: Mapping[str, Any], block: Block, where: str, schema: Schema, path: str = "") -> Iterator[str]:
    """What is wrong within a block, named by its path from the resource."""
    given: set[str] = set()
    top = not path
    for name, value in body.items():
        if name.startswith("__") or (top and name in META_ARGUMENTS | META_BLOCKS):
            continue
        nested = dict(_nested(name, value))
        if name != "dynamic" and not nested:
            given.add(name)
            yield from _known(name, block.arguments, "argument", block, f"{where}: {path}{name}", schema)
        for label, bodies in nested.items():
            given.add(label)
            at = f"{where}: {path}{label}"
            yield from _known(label, frozenset(block.blocks), "block", block, at, schema)
            if label in block.blocks:
                for inner in bodies:
                    yield from _body(inner, block.blocks[label], where, schema, f"{path}{label}.")
    for name in sorted(block.required - given):
        yield f"{where}: {path}{name}: provider {schema.release} requires this argument"


def _nested(name: str, value: Any) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """The blocks that a member of a body stands for, dynamic ones too; nothing where it is an argument."""
    if not isinstance(value, list):
        return
    if name == "dynamic":
        by_label: dict[str, list[Mapping[str, Any]]] = {}
        for dynamic in value:
            for label, members in dynamic.items():
                if not label.startswith("__"):
                    by_label.setdefault(label.strip('"'), []).extend(members["content"])
        yield from by_label.items()
    elif value and all(isinstance(each, dict) and "__is_block__" in each for each in value):
        yield name, value


def _known(
    name: str, known: frozenset[str], what: str, block: Block, where: str, schema: Schema
) -> Iterator[str]:
    if name not in known:
        but = ": it can only be read" if name in block.read_only else ""
        yield f"{where}: provider {schema.release} has no such {what}{but}"
    elif name in block.deprecated:
        yield f"{where}: deprecated ({block.deprecated[name]})"


def _ignored(each: Declaration, block: Block, where: str, schema: Schema) -> Iterator[str]:
    for lifecycle in each.body.get("lifecycle", []):
        ignored = lifecycle.get("ignore_changes", [])
        for entry in ignored if isinstance(ignored, list) else []:
            name = IDENTIFIER.search(str(entry))
            if name is not None and name[0] not in block.readable:
                yield f"{where}: lifecycle.ignore_changes: provider {schema.release} has no {name[0]} here"


def _reference(file: str, match: re.Match[str], schema: Schema) -> Iterator[str]:
    kind = "data" if match["data"] else "resource"
    block = schema.blocks.get((kind, match["type"]))
    attribute = match["attribute"]
    if block is None:
        # What is referred to is declared too, and told there.
        return
    if attribute not in block.readable:
        yield f"{file}: {match[0]}: provider {schema.release} has no such attribute"
    elif attribute in block.deprecated:
        yield f"{file}: {match[0]}: deprecated ({block.deprecated[attribute]})"


def _texts(value: Any) -> Iterator[str]:
    """All text in a parsed file but its comments."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if not name.startswith("__"):
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _never_empty_plans(files: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for each in declarations(files):
        folder = PurePosixPath(each.file).parent
        admitted = sorted(
            set(NEVER_EMPTY_PLANS.get(each.type, ())) - _excluded(files, folder),
            key=lambda release: [int(part) for part in release.split(".")],
        )
        if admitted:
            yield (
                f"{each.file}: {each.address}: the releases {', '.join(admitted)} of the provider plan to change this for "
                f"ever; exclude them in {folder / 'versions.tf'}"
            )


def _excluded(files: Mapping[str, Mapping[str, Any]], folder: PurePosixPath) -> set[str]:
    """The releases that the constraints of a folder exclude by name."""
    constraints = [
        requirement["aws"]["version"]
        for file, content in files.items()
        if PurePosixPath(file).parent == folder
        for settings in content.get("terraform", [])
        for requirement in settings.get("required_providers", [])
        if "version" in requirement.get("aws", {})
    ]
    return {release for each in constraints for release in re.findall(r"!=\s*([\d.]+)", each)}


def main() -> int:
    try:
        files = read_files()
        schemas = (installed_schema(), read_extract())
    except (OSError, SchemaError) as error:
        print(f"lint_provider_schema.py: {error}", file=sys.stderr)
        return 1
    problems = problems_of(files, schemas)
    for problem in problems:
        print(problem)
    releases = " and ".join(schema.release for schema in schemas)
    count = sum(1 for _ in declarations(files))
    print(
        f"provider schema: {count} resources and data sources held against {releases}, {len(problems)} problem(s)"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
