"""Build the two committed artifacts: the functions' code and the layer with their dependencies.

    python scripts/package.py              build both into dist/
    python scripts/package.py code         build only the code zip: needs no network
    python scripts/package.py --check      exit 1 when dist/ is not what the sources give

The zips come out byte-identical on any machine, so a rebuild proves what a commit holds and a plan shows a
change only when there is one. Therefore entries are sorted and carry one fixed time and mode, and they are
stored, not deflated: the bytes that deflate gives depend on the zlib that Python was built with. Stored, both
are far below Lambda's limit for a direct upload, and git compresses them anyway.

Both carry bytecode for the default runtime beside the sources, since Lambda's folders cannot be written to and each start would
compile everything again: without it, importing the restore worker takes more than twice as long. Other runtimes do not look at it
(docs.python.org/3/reference/import.html#cached-bytecode-invalidation). What a compiler gives depends on its exact version and on
what its process did before, so each module is compiled in a process of its own, by one release of Python; any other
one can only check that there is bytecode for each source, and cannot build.
"""

import argparse
import base64
import csv
import hashlib
import io
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "lambda_src"
DIST = ROOT / "dist"
CODE_ZIP = DIST / "dynamodb_restore.zip"
LAYER_ZIP = DIST / "dependencies_layer.zip"
LAYER_REQUIREMENTS = ROOT / "requirements" / "layer.txt"

# Lambda puts this folder of a layer on the import path of every Python runtime.
LAYER_PREFIX = "python"

# The earliest time that the zip format can say.
FIXED_TIME = (1980, 1, 1, 0, 0, 0)
REGULAR_FILE_FOR_ALL = 0o100644
MADE_ON_UNIX = 3

# Whose bytecode is shipped: of the default runtime, python3.13.
COMPILER = "3.13.0"
CACHE_TAG = "cpython-313"

# Where Lambda unpacks the zips: what a traceback shows.
UNPACKED = {CODE_ZIP: "/var/task", LAYER_ZIP: "/opt"}

# Reads a source and writes its bytecode in the form of PEP 552: with a hash of the source that no run compares again.
COMPILE = """
import importlib.util, marshal, sys
source = sys.stdin.buffer.read()
code = compile(source, sys.argv[1], "exec", dont_inherit=True, optimize=0)
flags = (0b01).to_bytes(4, "little")
header = importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source)
sys.stdout.buffer.write(header + marshal.dumps(code))
"""

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?P<rest>.*)$")


class PackagingError(Exception):
    """An artifact cannot be built, or is not what it should be; the message says what to do."""


def deterministic_zip(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, FIXED_TIME)
            entry.create_system = MADE_ON_UNIX
            entry.external_attr = REGULAR_FILE_FOR_ALL << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def code_files(source: Path = SOURCE) -> dict[str, bytes]:
    """Every file below `source`, by its name in the zip; without what Python, editors and desktops leave."""

    def shipped(path: PurePosixPath) -> bool:
        is_litter = any(part == "__pycache__" or part.startswith(".") for part in path.parts)
        return not is_litter and path.suffix not in {".pyc", ".pyo"}

    relative = (PurePosixPath(path.relative_to(source)) for path in source.rglob("*") if path.is_file())
    files = {str(path): (source / path).read_bytes() for path in relative if shipped(path)}
    if not files:
        raise PackagingError(f"{source} holds no files to package")
    return files


def can_compile() -> bool:
    """Whether this is the Python whose bytecode is shipped."""
    return sys.implementation.name == "cpython" and ".".join(map(str, sys.version_info[:3])) == COMPILER


def bytecode_name(source: str) -> str:
    """Where Python looks for the bytecode of a module (PEP 3147)."""
    path = PurePosixPath(source)
    return str(path.parent / "__pycache__" / f"{path.stem}.{CACHE_TAG}.pyc")


def is_bytecode(name: str) -> bool:
    return name.endswith(".pyc")


def compiled(name: str, source: bytes, folder: str) -> bytes:
    """The bytecode of a module that is unpacked into `folder`.

    Raises:
        PackagingError: the source does not compile.
    """
    command = [sys.executable, "-I", "-S", "-c", COMPILE, f"{folder}/{name}"]
    ran = subprocess.run(command, input=source, capture_output=True, check=False)
    if ran.returncode != 0:
        raise PackagingError(f"{name} does not compile: {ran.stderr.decode(errors='replace').strip()}")
    return ran.stdout


def with_bytecode(files: Mapping[str, bytes], artifact: Path) -> dict[str, bytes]:
    """The files of an artifact, and the bytecode of each module among them.

    Raises:
        PackagingError: this is another Python than the one whose bytecode is shipped.
    """
    if not can_compile():
        raise PackagingError(
            f"the zips carry the bytecode of Python {COMPILER}, and this is {sys.version.split()[0]}: "
            f"run `make clean`, and again with PYTHON set to a Python {COMPILER}"
        )
    modules = sorted(name for name in files if name.endswith(".py"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        codes = pool.map(lambda name: compiled(name, files[name], UNPACKED[artifact]), modules)
        return {**files, **dict(zip(map(bytecode_name, modules), codes, strict=True))}


def check_bytecode(files: Mapping[str, bytes], artifact: Path) -> list[str]:
    """Whether each module of an artifact has its bytecode, and nothing else has any."""
    sources = {name: content for name, content in files.items() if not is_bytecode(name)}
    there = files.keys() - sources.keys()
    wanted = {bytecode_name(name) for name in sources if name.endswith(".py")}
    problems = [f"{artifact.name} lacks {name}; run `make package`" for name in sorted(wanted - there)]
    problems += [
        f"{artifact.name} has {name} of no source; run `make package`" for name in sorted(there - wanted)
    ]
    if not problems and can_compile():
        right = with_bytecode(sources, artifact)
        different = sorted(name for name in there if files[name] != right[name])
        problems += [
            f"{artifact.name} has another {name} than its source gives; run `make package`"
            for name in different
        ]
    return problems


def unzipped(artifact: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(artifact)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned_versions(requirements: str) -> dict[str, str]:
    """The versions that a lock file pins, by normalized project name."""
    pins: dict[str, str] = {}
    for line in requirements.splitlines():
        match = PIN.match(line)
        if match is None:
            continue
        if ";" in match["rest"]:
            raise PackagingError(
                f"{match['name']} is pinned under a condition ({match['rest'].strip(' ;')}): the layer would depend "
                "on the machine that builds it. Choose a dependency that every supported runtime needs alike."
            )
        pins[normalized(match["name"])] = match["version"]
    return pins


def download_wheels(requirements: Path, destination: Path) -> list[Path]:
    """Fetch exactly the pinned wheels; pip verifies each against its hash."""
    command = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check"]
    command += ["--require-hashes", "--no-deps", "--only-binary", ":all:"]
    command += ["--dest", str(destination), "--requirement", str(requirements)]
    if subprocess.run(command, check=False).returncode != 0:
        raise PackagingError(f"pip could not download what {requirements.name} pins; its message is above")
    return sorted(destination.glob("*.whl"))


def is_command(name: str) -> bool:
    """Commands that a wheel brings for a shell: nothing on Lambda runs them."""
    return ".data/scripts/" in name


def wheel_files(wheel: Path) -> Iterator[tuple[str, bytes]]:
    """A wheel's files, as they are: installing it instead would add what differs by installer and machine."""
    if not wheel.stem.endswith("-none-any"):
        raise PackagingError(
            f"{wheel.name} is built for one platform: the layer serves x86_64 and arm64, so take a release that "
            "is pure Python"
        )
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            if entry.is_dir() or is_command(entry.filename):
                continue
            if ".data/" in entry.filename:
                raise PackagingError(f"{wheel.name} has {entry.filename}, which only an installer can place")
            yield entry.filename, archive.read(entry)


def layer_files() -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for wheel in download_wheels(LAYER_REQUIREMENTS, Path(scratch)):
            for name, content in wheel_files(wheel):
                path = f"{LAYER_PREFIX}/{name}"
                if path in files:
                    raise PackagingError(f"two wheels of the layer both have {name}")
                files[path] = content
    return files


def check_code(artifact: bytes) -> list[str]:
    files = unzipped(artifact)
    sources = {name: content for name, content in files.items() if not is_bytecode(name)}
    if sources != code_files() or artifact != deterministic_zip(files):
        return [f"{CODE_ZIP.name} is not what lambda_src gives; run `make package` and commit dist/"]
    return []


def check_layer(artifact: bytes, requirements: str) -> list[str]:
    """What can be said of the layer without a network.

    Its versions are those that are pinned, every file has the hash that its wheel's RECORD gives, none is there
    that no RECORD lists, and the zip is the one that this program writes for those files.
    """
    files = unzipped(artifact)
    problems: list[str] = []
    if artifact != deterministic_zip(files):
        problems.append(f"{LAYER_ZIP.name} was not written by scripts/package.py; run `make package`")
    files = {name: content for name, content in files.items() if not is_bytecode(name)}

    pinned, shipped = pinned_versions(requirements), layer_versions(files)
    if pinned != shipped:
        problems.append(
            f"{LAYER_ZIP.name} ships {shipped}, requirements/layer.txt pins {pinned}; run `make package`"
        )

    recorded = dict(recorded_hashes(files))
    unrecorded = sorted(files.keys() - recorded.keys())
    altered = sorted(
        name for name, digest in recorded.items() if digest and digest != record_hash(files.get(name, b""))
    )
    problems += [f"{LAYER_ZIP.name} has {name}, which is in none of its wheels" for name in unrecorded]
    problems += [f"{LAYER_ZIP.name} has an altered or missing {name}; run `make package`" for name in altered]
    return problems


def layer_versions(files: Mapping[str, bytes]) -> dict[str, str]:
    versions: dict[str, str] = {}
    for name in files:
        folder = PurePosixPath(name).parent.name
        if name.endswith(".dist-info/METADATA"):
            project, version = folder.removesuffix(".dist-info").rsplit("-", 1)
            versions[normalized(project)] = version
    return versions


def recorded_hashes(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """The files that the wheels say they hold, each with its hash; a RECORD's own is empty."""
    for name, content in files.items():
        if name.endswith(".dist-info/RECORD"):
            for path, digest, _size in csv.reader(content.decode().splitlines()):
                if not is_command(path):
                    yield f"{LAYER_PREFIX}/{path}", digest


def record_hash(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"


def check() -> list[str]:
    missing = [artifact for artifact in (CODE_ZIP, LAYER_ZIP) if not artifact.is_file()]
    if missing:
        return [f"{artifact.name} is missing; run `make package` and commit dist/" for artifact in missing]
    requirements = LAYER_REQUIREMENTS.read_text(encoding="utf-8")
    code, layer = CODE_ZIP.read_bytes(), LAYER_ZIP.read_bytes()
    problems = check_code(code) + check_layer(layer, requirements)
    for artifact, content in ((CODE_ZIP, code), (LAYER_ZIP, layer)):
        problems += check_bytecode(unzipped(content), artifact)
    return problems


def write(artifact: Path, content: bytes) -> None:
    artifact.parent.mkdir(exist_ok=True)
    unchanged = artifact.is_file() and artifact.read_bytes() == content
    if not unchanged:
        artifact.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    print(f"{artifact.name:24}{len(content):>10,} bytes  {digest}  {'unchanged' if unchanged else 'written'}")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Build dist/, byte-identically on any machine.")
    parser.add_argument("artifact", nargs="?", choices=["all", "code", "layer"], default="all")
    parser.add_argument("--check", action="store_true", help="build nothing; exit 1 when dist/ is stale")
    options = parser.parse_args(arguments)
    try:
        if options.check:
            problems = check()
            print("\n".join(problems) or "dist/ is what the sources give")
            return 1 if problems else 0
        if options.artifact in {"all", "code"}:
            write(CODE_ZIP, deterministic_zip(with_bytecode(code_files(), CODE_ZIP)))
        if options.artifact in {"all", "layer"}:
            write(LAYER_ZIP, deterministic_zip(with_bytecode(layer_files(), LAYER_ZIP)))
    except PackagingError as error:
        print(f"package.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
