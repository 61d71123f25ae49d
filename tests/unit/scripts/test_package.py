"""The committed artifacts are what their sources give, and come out the same on any machine."""

import importlib.util
import io
import marshal
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from scripts import package


def make_wheel(folder: Path, name: str, files: dict[str, bytes]) -> Path:
    wheel = folder / name
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return wheel


@pytest.fixture
def layer() -> dict[str, bytes]:
    return package.unzipped(package.LAYER_ZIP.read_bytes())


@pytest.fixture
def layer_requirements() -> str:
    return package.LAYER_REQUIREMENTS.read_text(encoding="utf-8")


def test_the_code_zip_holds_exactly_lambda_src_and_its_bytecode() -> None:
    litter = {"__pycache__", ".DS_Store"}
    sources = {
        path.relative_to(package.SOURCE).as_posix(): path.read_bytes()
        for path in package.SOURCE.rglob("*")
        if path.is_file() and not litter.intersection(path.parts)
    }
    files = package.unzipped(package.CODE_ZIP.read_bytes())
    shipped = {name: content for name, content in files.items() if not name.endswith(".pyc")}
    assert shipped == sources, "stale: run `make package` and commit dist/"
    compiled = {
        name.replace("__pycache__/", "").replace(".cpython-313.pyc", ".py")
        for name in files
        if name.endswith(".pyc")
    }
    assert compiled == {name for name in sources if name.endswith(".py")}


def test_the_committed_artifacts_pass_the_check_that_lint_makes() -> None:
    assert package.check() == []


def test_the_same_code_on_another_machine_gives_the_same_zip(tmp_path: Path) -> None:
    # Another clone: other times and modes, files made in another order, and what running it leaves behind.
    copy = tmp_path / "lambda_src"
    for path in sorted(package.SOURCE.rglob("*"), reverse=True):
        if path.is_file() and "__pycache__" not in path.parts:
            target = copy / path.relative_to(package.SOURCE)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            target.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IXUSR)
            os.utime(target, (1_700_000_000, 1_700_000_000))
    litter = copy / "dynamodb_restore" / "__pycache__" / "aws.cpython-313.pyc"
    litter.parent.mkdir()
    litter.write_bytes(b"compiled")
    (copy / ".DS_Store").write_bytes(b"desktop")

    here, there = (package.deterministic_zip(package.code_files(folder)) for folder in (package.SOURCE, copy))

    assert here == there


def test_entries_carry_nothing_of_the_machine_that_built_them() -> None:
    archive = package.deterministic_zip({"b.py": b"2", "a/c.py": b"1"})

    entries = zipfile.ZipFile(io.BytesIO(archive)).infolist()

    assert [entry.filename for entry in entries] == ["a/c.py", "b.py"]
    for entry in entries:
        assert entry.date_time == package.FIXED_TIME
        # Lambda runs the code as a user that owns none of it, so everyone must be allowed to read.
        assert stat.filemode(entry.external_attr >> 16) == "-rw-r--r--"
        assert entry.compress_type == zipfile.ZIP_STORED


_IS_THE_COMPILER = pytest.mark.skipif(
    not package.can_compile(), reason=f"compiles with Python {package.COMPILER} only"
)


@_IS_THE_COMPILER
def test_the_same_source_gives_the_same_bytecode_which_is_not_compared_with_it_again() -> None:
    source = (package.SOURCE / "dynamodb_restore" / "backoff.py").read_bytes()

    first, again = (package.compiled("dynamodb_restore/backoff.py", source, "/var/task") for _ in range(2))

    assert first == again
    # PEP 552: the lowest bit says that a hash of the source is there, the next one that it is to be compared.
    assert int.from_bytes(first[4:8], "little") == 0b01
    assert first[:4] == importlib.util.MAGIC_NUMBER
    code = marshal.loads(first[16:])  # noqa: S302 - compiled just now
    assert code.co_filename == "/var/task/dynamodb_restore/backoff.py"


@pytest.mark.skipif(
    sys.implementation.cache_tag != package.CACHE_TAG, reason="another runtime falls back to the sources"
)
def test_the_default_runtime_runs_the_bytecode_of_the_zip(tmp_path: Path) -> None:
    for name, content in package.unzipped(package.CODE_ZIP.read_bytes()).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"raise SystemExit('a source was read')" if name.endswith(".py") else content)
    program = "import sys; sys.path.insert(0, sys.argv[1]); from dynamodb_restore.backoff import Backoff"

    ran = subprocess.run(
        [sys.executable, "-I", "-c", program, tmp_path], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stderr) == (0, "")


@_IS_THE_COMPILER
def test_the_check_finds_bytecode_that_is_missing_foreign_or_of_another_source() -> None:
    files = package.with_bytecode(
        {"one.py": b"x = 1", "two/two.py": b"y = 2", "data.json": b"{}"}, package.CODE_ZIP
    )
    assert package.check_bytecode(files, package.CODE_ZIP) == []
    assert sorted(files.keys() - {"one.py", "two/two.py", "data.json"}) == [
        "__pycache__/one.cpython-313.pyc",
        "two/__pycache__/two.cpython-313.pyc",
    ]

    (problem,) = package.check_bytecode({**files, "one.py": b"x = 3"}, package.CODE_ZIP)
    assert "another __pycache__/one.cpython-313.pyc than its source gives" in problem
    del files["one.py"], files["two/__pycache__/two.cpython-313.pyc"]
    lacks, foreign = package.check_bytecode(files, package.CODE_ZIP)
    assert "lacks two/__pycache__/two.cpython-313.pyc" in lacks
    assert "has __pycache__/one.cpython-313.pyc of no source" in foreign


def test_another_python_builds_nothing_and_checks_that_bytecode_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(package, "COMPILER", "3.13.99")
    with pytest.raises(package.PackagingError, match=r"PYTHON set to a Python 3\.13\.99"):
        package.with_bytecode({"one.py": b""}, package.CODE_ZIP)
    there = {"one.py": b"x = 1", "__pycache__/one.cpython-313.pyc": b"of another release"}
    assert package.check_bytecode(there, package.CODE_ZIP) == []
    (problem,) = package.check_bytecode({"one.py": b"x = 1"}, package.CODE_ZIP)
    assert "lacks __pycache__/one.cpython-313.pyc" in problem


def test_a_source_that_does_not_compile_is_refused() -> None:
    with pytest.raises(package.PackagingError, match=r"broken\.py does not compile"):
        package.compiled("broken.py", b"def", "/var/task")


def test_an_empty_source_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(package.PackagingError, match="no files to package"):
        package.code_files(tmp_path)


def test_the_layer_ships_the_pinned_versions_with_their_licences(
    layer: dict[str, bytes], layer_requirements: str
) -> None:
    pinned = package.pinned_versions(layer_requirements)

    assert package.layer_versions(layer) == pinned
    assert pinned["aws-lambda-powertools"] == "3.37.0"
    licensed = {path.split("/")[1] for path in layer if "LICENSE" in path and ".dist-info/" in path}
    assert len(licensed) == len(pinned)


def test_the_layer_has_no_machine_code(layer: dict[str, bytes]) -> None:
    compiled = {".so", ".pyd", ".dll", ".dylib", ".a", ".o"}
    assert [name for name in layer if compiled.intersection(PurePosixPath(name).suffixes)] == []
    assert {name.split("/")[0] for name in layer} == {"python"}


def test_powertools_imports_from_the_layer_with_nothing_else_installed() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); "
        "from aws_lambda_powertools import Logger, Metrics; "
        "from aws_lambda_powertools.utilities.batch import BatchProcessor; "
        "print(Logger.__module__)"
    )
    layer_on_path = str(package.LAYER_ZIP / package.LAYER_PREFIX)
    # -S leaves this environment's site-packages out.
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, layer_on_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "aws_lambda_powertools.logging.logger"), ran.stderr


def test_the_layer_versions_are_those_that_the_tests_run_with(layer: dict[str, bytes]) -> None:
    dev = (package.ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    for name, version in package.layer_versions(layer).items():
        assert f"\n{name}=={version} " in dev


def test_the_check_finds_an_altered_a_foreign_and_a_missing_file(
    layer: dict[str, bytes], layer_requirements: str
) -> None:
    altered = "python/jmespath/lexer.py"
    missing = "python/jmespath/parser.py"
    foreign = "python/jmespath/extra.py"
    tampered = {**layer, altered: b"import os\n", foreign: b""}
    del tampered[missing]

    problems = package.check_layer(package.deterministic_zip(tampered), layer_requirements)

    assert len(problems) == 3
    for name in (altered, missing, foreign):
        assert any(name in problem for problem in problems)


def test_the_check_finds_a_layer_of_other_versions(layer: dict[str, bytes], layer_requirements: str) -> None:
    newer = layer_requirements.replace("jmespath==1.", "jmespath==9.")
    (problem,) = package.check_layer(package.deterministic_zip(layer), newer)
    assert "run `make package`" in problem


def test_the_check_finds_a_zip_that_another_tool_wrote(
    layer: dict[str, bytes], layer_requirements: str
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in layer.items():
            archive.writestr(name, content)
    (problem,) = package.check_layer(buffer.getvalue(), layer_requirements)
    assert "not written by scripts/package.py" in problem


def test_a_pin_under_a_condition_is_refused() -> None:
    with pytest.raises(package.PackagingError, match="depend on the machine"):
        package.pinned_versions("colorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:00")


def test_a_wheel_for_one_platform_is_refused(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "fast-1.0-cp313-cp313-manylinux_2_28_x86_64.whl", {"fast.so": b""})
    with pytest.raises(package.PackagingError, match="pure Python"):
        list(package.wheel_files(wheel))


def test_a_wheel_gives_its_files_without_its_commands(tmp_path: Path) -> None:
    files = {"tool/__init__.py": b"", "tool-1.0.data/scripts/tool": b"#!python"}
    wheel = make_wheel(tmp_path, "tool-1.0-py3-none-any.whl", files)
    assert dict(package.wheel_files(wheel)) == {"tool/__init__.py": b""}


def test_a_wheel_that_needs_an_installer_is_refused(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "tool-1.0-py3-none-any.whl", {"tool-1.0.data/data/etc/tool.conf": b""})
    with pytest.raises(package.PackagingError, match="only an installer"):
        list(package.wheel_files(wheel))
