"""Write what Terraform and the documentation take from the Python code: `*.json` in the modules, tables and sections in docs/.

    python scripts/catalog.py            rewrite what is stale
    python scripts/catalog.py --check    change nothing; exit 1 when something is stale

Each module of `scripts/catalogue` has `outputs(root)`: path to the whole text that the file should have. A page of which only a part is
generated has markers around that part (`scripts/catalogue/pages.py`).
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "lambda_src")]

from scripts.catalogue import findings, metrics, operator_actions, pages, permissions, reason_codes, settings  # noqa: E402


class Source(Protocol):
    """A module of `scripts/catalogue`."""

    def outputs(self, root: Path) -> dict[Path, str]:
        """The generated files, each with its whole text.

        Raises:
            pages.PageError: a page that is generated in part has not the markers that it needs.
        """
        ...


SOURCES: tuple[Source, ...] = (
    settings,
    findings,
    permissions,
    reason_codes,
    metrics,
    operator_actions,
)


def run(root: Path, sources: Sequence[Source], *, check: bool) -> int:
    stale = 0
    # One after another: several may write parts of one page.
    for source in sources:
        for path, text in source.outputs(root).items():
            if path.is_file() and path.read_text(encoding="utf-8") == text:
                continue
            stale += 1
            name = path.relative_to(root)
            if check:
                print(f"{name}: not what lambda_src says; run `make catalog` and commit it")
            else:
                path.write_text(text, encoding="utf-8")
                print(f"{name}: written")
    if stale == 0:
        print("what is generated from lambda_src is up to date")
    return 1 if check and stale else 0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Write what is generated from the Python code.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when something is stale")
    options = parser.parse_args(arguments)
    try:
        return run(ROOT, SOURCES, check=options.check)
    except pages.PageError as error:
        print(f"catalog.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
