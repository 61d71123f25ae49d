"""What the AWS provider knows of the resources and data sources used here: of release 5.100, and of release 6.

    python scripts/provider_schema.py     write scripts/provider-6.json anew (`make provider-schema`)

Tests apply with release 5.100. Of release 6 only the schema is held: the package cdktf-cdktf-provider-aws is generated
from the schema of one release, whole, and can be downloaded like any other Python package. It has 59 MB, so what is used
here is committed as an extract: arguments, attributes and nested blocks, and which resources and data sources
release 6 no longer has. What is deprecated the package does not say; `DEPRECATED` has that, from the provider's changelog.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hcl2
from lark.exceptions import LarkError

ROOT = Path(__file__).resolve().parent.parent
EXTRACT = ROOT / "scripts" / "provider-6.json"
PINS = ROOT / "requirements" / "provider-schema.txt"
CACHE = ROOT / ".cache" / "provider-schema"
CONFIGURATIONS = ("*.tf", "modules/*/*.tf", "examples/*/*.tf")
INSTALLED = "5.100.0"
KINDS = ("resource", "data")
# terraform_data is Terraform's own.
BUILT_IN = "terraform_data"

# Deprecated since release 6.0 of what stands here or stood near it, by kind, type and path, each with the release and what to
# do instead (github.com/hashicorp/terraform-provider-aws/blob/main/CHANGELOG.md). What was deprecated before, the schema of
# 5.100 says itself.
DEPRECATED: Mapping[tuple[str, str, str], str] = {
    ("data", "aws_region", "name"): "6.0.0: use id, which release 5 has too",
    **{
        ("resource", f"aws_s3_bucket_{name}", "expected_bucket_owner"): "6.31.0: leave it out"
        for name in (
            "abac",
            "accelerate_configuration",
            "acl",
            "cors_configuration",
            "lifecycle_configuration",
            "logging",
            "metadata_configuration",
            "object_lock_configuration",
            "request_payment_configuration",
            "server_side_encryption_configuration",
            "versioning",
            "website_configuration",
        )
    },
}


class SchemaError(Exception):
    """A schema cannot be had; the message says what to do."""


@dataclass(frozen=True)
class Block:
    """A resource, a data source, or a block within one.

    Attributes:
        required: arguments that must be given.
        optional: arguments that may be given; they can be read too.
        read_only: attributes that can only be read.
        blocks: nested blocks by name.
        deprecated: why, by the name of an argument, attribute or block.
    """

    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    read_only: frozenset[str] = frozenset()
    blocks: Mapping[str, Block] = field(default_factory=dict)
    deprecated: Mapping[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> frozenset[str]:
        return self.required | self.optional

    @property
    def readable(self) -> frozenset[str]:
        return self.arguments | self.read_only | self.blocks.keys()

    def to_json(self) -> dict[str, Any]:
        """As the extract has it; what is empty is omitted."""
        members = {
            "required": sorted(self.required),
            "optional": sorted(self.optional),
            "read_only": sorted(self.read_only),
            "blocks": {name: block.to_json() for name, block in sorted(self.blocks.items())},
            "deprecated": dict(sorted(self.deprecated.items())),
        }
        return {name: value for name, value in members.items() if value}

    @staticmethod
    def from_json(members: Mapping[str, Any]) -> Block:
        return Block(
            frozenset(members.get("required", [])),
            frozenset(members.get("optional", [])),
            frozenset(members.get("read_only", [])),
            {name: Block.from_json(block) for name, block in members.get("blocks", {}).items()},
            members.get("deprecated", {}),
        )

    @staticmethod
    def from_terraform(block: Mapping[str, Any]) -> Block:
        """From what `terraform providers schema -json` prints."""
        attributes: Mapping[str, Mapping[str, Any]] = block.get("attributes", {})
        blocks: Mapping[str, Mapping[str, Any]] = block.get("block_types", {})
        required = {name for name, each in attributes.items() if each.get("required")}
        optional = {name for name, each in attributes.items() if each.get("optional")}
        return Block(
            frozenset(required),
            frozenset(optional),
            frozenset(attributes.keys() - required - optional),
            {name: Block.from_terraform(each["block"]) for name, each in blocks.items()},
            {
                **{
                    name: "in release 5 already"
                    for name, each in attributes.items()
                    if each.get("deprecated")
                },
                **{
                    name: "in release 5 already"
                    for name, each in blocks.items()
                    if each["block"].get("deprecated")
                },
            },
        )


@dataclass(frozen=True)
class Schema:
    """One release of the provider.

    Attributes:
        blocks: by kind (`resource`, `data`) and type; of an extract only those that are used here.
        dropped: resources and data sources that the release before had and this one has not.
        whole: whether `blocks` has all that there are.
    """

    release: str
    blocks: Mapping[tuple[str, str], Block]
    dropped: frozenset[tuple[str, str]] = frozenset()
    whole: bool = True


# --- the HCL ---


@dataclass(frozen=True)
class Declaration:
    """A resource or data source in a file, with its body as python-hcl2 reads it."""

    file: str
    kind: str
    type: str
    name: str
    body: Mapping[str, Any]

    @property
    def address(self) -> str:
        return f"{'data.' if self.kind == 'data' else ''}{self.type}.{self.name}"


def read_files(root: Path | None = None) -> dict[str, Mapping[str, Any]]:
    """Every file of our HCL, parsed, by its path from the root.

    Raises:
        SchemaError: a file cannot be parsed.
    """
    root = root or ROOT
    files: dict[str, Mapping[str, Any]] = {}
    for path in sorted(path for pattern in CONFIGURATIONS for path in root.glob(pattern)):
        with path.open(encoding="utf-8") as file:
            try:
                files[str(path.relative_to(root))] = hcl2.load(file)
            except LarkError as error:
                raise SchemaError(f"{path} cannot be parsed: {error}") from error
    return files


def declarations(files: Mapping[str, Mapping[str, Any]]) -> Iterator[Declaration]:
    for file, content in files.items():
        for kind in KINDS:
            for block in content.get(kind, []):
                for type_name, named in block.items():
                    for name, body in named.items():
                        yield Declaration(file, kind, type_name.strip('"'), name.strip('"'), body)


def used(files: Mapping[str, Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Kinds and types of what our HCL declares of the provider."""
    return {(each.kind, each.type) for each in declarations(files) if each.type != BUILT_IN}


# --- release 5 ---


def installed_schema() -> Schema:
    """The schema of release 5.100, by `terraform providers schema`.

    Raises:
        SchemaError: Terraform could not get the provider, or not say what it knows.
    """
    folder = CACHE / "terraform"
    folder.mkdir(parents=True, exist_ok=True)
    requirement = {"aws": {"source": "hashicorp/aws", "version": INSTALLED}}
    (folder / "main.tf.json").write_text(
        json.dumps({"terraform": {"required_providers": requirement}}), encoding="utf-8"
    )
    _terraform(folder, "init", "-backend=false", "-input=false", "-no-color")
    schemas = json.loads(_terraform(folder, "providers", "schema", "-json"))["provider_schemas"]
    (provider,) = (schema for name, schema in schemas.items() if name.endswith("/hashicorp/aws"))
    return Schema(
        INSTALLED,
        {
            (kind, name): Block.from_terraform(each["block"])
            for kind, member in zip(KINDS, ("resource_schemas", "data_source_schemas"), strict=True)
            for name, each in provider[member].items()
        },
    )


def _terraform(folder: Path, *arguments: str) -> str:
    ran = subprocess.run(
        ["terraform", f"-chdir={folder}", *arguments],
        env={**os.environ, "TF_DATA_DIR": str(folder / "data")},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise SchemaError(f"terraform {arguments[0]} failed in {folder}:\n{ran.stdout}{ran.stderr}")
    return ran.stdout


# --- release 6 ---


def read_extract(path: Path | None = None) -> Schema:
    """The committed extract of release 6."""
    document = json.loads((path or EXTRACT).read_text(encoding="utf-8"))
    return Schema(
        document["release"],
        {
            (kind, name): Block.from_json(members)
            for kind in KINDS
            for name, members in document[kind].items()
        },
        frozenset((kind, name) for kind in KINDS for name in document["dropped"][kind]),
        whole=False,
    )


def write_extract(package: Package, wanted: set[tuple[str, str]], before: Schema) -> str:
    """The extract as text: what is `wanted` of the package, and what of the release `before` it has not."""
    gone = before.blocks.keys() - package.names.keys()
    members = {
        "comment": json.dumps("Written by scripts/provider_schema.py: make provider-schema"),
        "release": json.dumps(package.release),
        "package": json.dumps(package.name),
        **{
            kind: _lines({name: package.block(of, name) for of, name in wanted if of == kind})
            for kind in KINDS
        },
        "dropped": json.dumps({kind: sorted(name for of, name in gone if of == kind) for kind in KINDS}),
    }
    return "{\n" + ",\n".join(f'"{name}": {value}' for name, value in members.items()) + "\n}\n"


def _lines(blocks: Mapping[str, Block]) -> str:
    """A JSON object with a line for each, so that a change shows what it is a change of."""
    lines = (f"  {json.dumps(name)}: {json.dumps(block.to_json())}" for name, block in sorted(blocks.items()))
    return "{\n" + ",\n".join(lines) + "\n}"


_LINK = re.compile(
    r"hashicorp/aws/(?P<release>[\d.]+)/docs/(?P<kind>resources|data-sources)/\S+ (?P<name>aws_\w+)\}"
)
_ARGUMENT = re.compile(r"/docs/(?:resources|data-sources)/[^#\s]+#(?P<name>\w+) ")
# What the generated class says of an attribute that can only be read.
_READ_ONLY = re.compile(
    r"^ +// (?P<name>\w+) - computed: true, optional: false, required: false$", re.MULTILINE
)
_KIND_OF_LINK = {"resources": "resource", "data-sources": "data"}


class Package:
    """The Python package that is generated from the schema of one release of the provider.

    It carries a jsii assembly, which describes each struct of arguments as JSON, with the Terraform name in the
    documentation link of each member, and the generated JavaScript, which names what can only be read.
    """

    def __init__(self, wheel: Path) -> None:
        """Read it.

        Raises:
            SchemaError: it is not laid out as expected.
        """
        self.name = "-".join(wheel.name.split("-")[:2])
        with zipfile.ZipFile(wheel) as archive:
            (assembly,) = (name for name in archive.namelist() if name.endswith(".jsii.tgz"))
            self._archive = io.BytesIO(archive.read(assembly))
        self._types: Mapping[str, Any] = json.loads(self._file("package/.jsii"))["types"]
        self.names: dict[tuple[str, str], str] = {}
        releases = set()
        for fqn, each in self._types.items():
            link = _LINK.search(each.get("docs", {}).get("summary", ""))
            if each["kind"] == "class" and link is not None:
                self.names[_KIND_OF_LINK[link["kind"]], link["name"]] = fqn
                releases.add(link["release"])
        if len(releases) != 1:
            raise SchemaError(
                f"{self.name} is made from the releases {sorted(releases)} of the provider, not from one"
            )
        (self.release,) = releases

    def block(self, kind: str, name: str) -> Block:
        """A resource or data source.

        Raises:
            SchemaError: this release of the provider has none of that name.
        """
        fqn = self.names.get((kind, name))
        if fqn is None:
            raise SchemaError(f"provider {self.release} has no {kind} {name}")
        typescript = Path(self._types[fqn]["locationInModule"]["filename"])
        source = self._file(f"package/lib/{typescript.relative_to('src').with_suffix('.js')}")
        parameters = self._types[fqn]["initializer"]["parameters"]
        (config,) = (each["type"]["fqn"] for each in parameters if each["name"] == "config")
        _, _, own = source.partition(f"class {fqn.rpartition('.')[2]} extends")
        read_only = {match["name"] for match in _READ_ONLY.finditer(own)}
        return self._block(config, (kind, name), "", frozenset(read_only))

    def _block(
        self, fqn: str, where: tuple[str, str], path: str, read_only: frozenset[str] = frozenset()
    ) -> Block:
        arguments: dict[str, bool] = {}
        blocks: dict[str, Block] = {}
        for member in self._types[fqn].get("properties", []):
            documentation = " ".join(member.get("docs", {}).get(part, "") for part in ("summary", "remarks"))
            link = _ARGUMENT.search(documentation)
            if link is None:
                continue
            name = link["name"]
            if documentation.startswith(f"{name} block."):
                blocks[name] = self._block(_struct(member["type"]), where, f"{path}{name}.")
            else:
                arguments[name] = not member.get("optional", False)
        here = {
            name: reason
            for (kind, of, full), reason in DEPRECATED.items()
            if (kind, of) == where and full.startswith(path) and "." not in (name := full.removeprefix(path))
        }
        return Block(
            frozenset(name for name, required in arguments.items() if required),
            frozenset(name for name, required in arguments.items() if not required),
            read_only - arguments.keys() - blocks.keys(),
            blocks,
            here,
        )

    def _file(self, name: str) -> str:
        self._archive.seek(0)
        with tarfile.open(fileobj=self._archive, mode="r:gz") as files:
            file = files.extractfile(name)
            if file is None:
                raise SchemaError(f"{self.name} has no file {name}")
            return file.read().decode()


def _struct(type_of: Mapping[str, Any]) -> str:
    """The struct that a member holds, by itself or in a list."""
    if "fqn" in type_of:
        return str(type_of["fqn"])
    if "collection" in type_of:
        return _struct(type_of["collection"]["elementtype"])
    structs = [each for each in type_of["union"]["types"] if each.get("fqn") != "cdktf.IResolvable"]
    return _struct(structs[0])


def download() -> Path:
    """The pinned package, downloaded once, checked by its hash.

    Raises:
        SchemaError: pip could not get it.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    ran = subprocess.run(
        [*command, "--only-binary=:all:", "--require-hashes", "--requirement", PINS, "--dest", CACHE],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise SchemaError(f"the provider's schema could not be downloaded:\n{ran.stdout}{ran.stderr}")
    version = PINS.read_text(encoding="utf-8").partition("==")[2].split()[0]
    (wheel,) = CACHE.glob(f"*-{version}-*.whl")
    return wheel


def main() -> int:
    try:
        text = write_extract(Package(download()), used(read_files()), installed_schema())
    except (OSError, SchemaError) as error:
        print(f"provider_schema.py: {error}", file=sys.stderr)
        return 1
    EXTRACT.write_text(text, encoding="utf-8")
    print(f"written: {EXTRACT.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
