"""Write the tables of inputs and outputs from variables.tf and outputs.tf.

    python scripts/docs.py            rewrite what is stale
    python scripts/docs.py --check    change nothing; exit 1 when a document is stale

The tables of the root module are in docs/inputs.md, those of each submodule and example in its README.md. A document takes
part if it has the two marker lines. What is between them belongs to this program. Types and defaults are copied from the
source as they are written there, with their comments. Those too long for a table follow it as a block of their own.
"""

import argparse
import json
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import hcl2
from lark import Tree
from lark.exceptions import LarkError

ROOT = Path(__file__).resolve().parent.parent
ROOT_DOCUMENT = "docs/inputs.md"
README_PATTERNS = ("modules/*/README.md", "examples/*/README.md")
BEGIN, END = "<!-- BEGIN_TF_DOCS -->", "<!-- END_TF_DOCS -->"
LONGEST_CELL = 60

HEREDOC = re.compile(r"<<(?P<indented>-?)(?P<marker>\w+)\n(?P<text>.*?)\n?[ \t]*(?P=marker)\s*\Z", re.DOTALL)


class DocsError(Exception):
    """The tables cannot be written; the message says which file to mend."""


@dataclass(frozen=True)
class Block:
    """A `variable` or `output` block: its name, and its attributes as written in the source."""

    name: str
    attributes: Mapping[str, str]

    @property
    def description(self) -> str:
        return string_value(self.attributes.get("description", '""'))

    @property
    def is_sensitive(self) -> bool:
        return self.attributes.get("sensitive") == "true"


def read_blocks(path: Path, kind: str) -> list[Block]:
    """The blocks of one kind in a file, in the order in which its author put them."""
    if not path.is_file():
        return []
    source = path.read_text(encoding="utf-8")
    try:
        tree = hcl2.parses_to_tree(source)
    except LarkError as error:
        raise DocsError(f"{path} cannot be parsed: {error}") from error

    (top,) = subtrees(tree)
    blocks: list[Block] = []
    for block in subtrees(top):
        block_kind, *labels, body = subtrees(block)
        if source_of(block_kind, source) == kind:
            name = source_of(labels[0], source).strip('"')
            blocks.append(Block(name, dict(attributes_of(body, source))))
    return blocks


def attributes_of(body: Tree[str], source: str) -> Iterator[tuple[str, str]]:
    for child in subtrees(body):
        if child.data == "attribute":
            name, value = (source_of(part, source) for part in subtrees(child))
            yield name, value


def subtrees(tree: Tree[str]) -> list[Tree[str]]:
    skipped = {"new_line_or_comment", "eq"}
    return [child for child in tree.children if isinstance(child, Tree) and child.data not in skipped]


def source_of(tree: Tree[str], source: str) -> str:
    return source[tree.meta.start_pos : tree.meta.end_pos].strip()


def string_value(literal: str) -> str:
    """The text that a quoted string or a heredoc stands for."""
    heredoc = HEREDOC.match(literal)
    if heredoc is not None:
        text = heredoc["text"]
        text = textwrap.dedent(text) if heredoc["indented"] else text
    else:
        # HCL's escapes are JSON's, but for the doubled signs below.
        text = json.loads(literal)
    return text.replace("$${", "${").replace("%%{", "%{").strip()


def one_line(text: str) -> str:
    """A description as the content of one table cell: paragraphs and list items apart, lines joined."""
    parts: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        lines: list[str] = []
        for line in paragraph.splitlines():
            starts_item = re.match(r"\s*[-*] ", line) is not None
            if starts_item or not lines:
                lines.append(re.sub(r"^\s*[-*] ", "• ", line).strip())
            else:
                lines[-1] += f" {line.strip()}"
        parts.append("<br>".join(lines))
    return escaped("<br><br>".join(parts))


def escaped(cell: str) -> str:
    return cell.replace("|", r"\|")


def fits_a_cell(value: str) -> bool:
    return "\n" not in value and len(value) <= LONGEST_CELL


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def input_cell(variable: Block, attribute: str) -> str:
    value = variable.attributes[attribute]
    return f"`{escaped(value)}`" if fits_a_cell(value) else f"[below](#input-{variable.name.lower()})"


def inputs(variables: Sequence[Block]) -> str:
    if not variables:
        return "None."
    rows = [
        [
            f"`{variable.name}`",
            one_line(variable.description) + (" (sensitive)" if variable.is_sensitive else ""),
            input_cell(variable, "type"),
            input_cell(variable, "default") if "default" in variable.attributes else "required",
        ]
        for variable in variables
    ]
    details = [detail for variable in variables for detail in input_details(variable)]
    return "\n\n".join([table(["Name", "What", "Type", "Default"], rows), *details])


def input_details(variable: Block) -> list[str]:
    long = {
        name: value
        for name in ("type", "default")
        if (value := variable.attributes.get(name)) is not None and not fits_a_cell(value)
    }
    if not long:
        return []
    width = max(len(name) for name in long)
    code = "\n".join(f"{name:{width}} = {reindented(value)}" for name, value in long.items())
    return [f"#### Input `{variable.name}`", f"```hcl\n{code}\n```"]


def reindented(value: str) -> str:
    """A value of several lines as it would stand at the left margin."""
    first, *rest = value.split("\n")
    return "\n".join([first, *textwrap.dedent("\n".join(rest)).split("\n")]) if rest else first


def outputs(found: Sequence[Block]) -> str:
    if not found:
        return "None."
    rows = [
        [f"`{output.name}`", one_line(output.description) + (" (sensitive)" if output.is_sensitive else "")]
        for output in found
    ]
    return table(["Name", "What"], rows)


def generated(folder: Path) -> str:
    variables = read_blocks(folder / "variables.tf", "variable")
    outs = read_blocks(folder / "outputs.tf", "output")
    for variable in variables:
        if "type" not in variable.attributes:
            raise DocsError(f'{folder / "variables.tf"}: variable "{variable.name}" has no type; give it one')
    for block in [*variables, *outs]:
        if not block.description:
            raise DocsError(f'{folder}: "{block.name}" has no description; give it one')
    return f"### Inputs\n\n{inputs(variables)}\n\n### Outputs\n\n{outputs(outs)}"


def documents(root: Path) -> Iterator[tuple[Path, Path]]:
    """Each document that may have tables, with the folder of the module that they are about."""
    if (root / ROOT_DOCUMENT).is_file():
        yield root / ROOT_DOCUMENT, root
    for readme in sorted(path for pattern in README_PATTERNS for path in root.glob(pattern)):
        yield readme, readme.parent


def updated(document: Path, folder: Path) -> str | None:
    """What the document should say about the module in `folder`, or None if it has no markers."""
    text = document.read_text(encoding="utf-8")
    begins, ends = text.count(BEGIN), text.count(END)
    if begins == ends == 0:
        return None
    if not (begins == ends == 1 and text.index(BEGIN) < text.index(END)):
        raise DocsError(f"{document} must have {BEGIN} and, after it, {END}, once each")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n{generated(folder)}\n{END}{after}"


def run(root: Path, *, check: bool) -> int:
    stale = 0
    for document, folder in documents(root):
        text = updated(document, folder)
        if text is None or text == document.read_text(encoding="utf-8"):
            continue
        stale += 1
        name = document.relative_to(root)
        if check:
            print(f"{name}: its tables are not what its .tf files say; run `make docs` and commit it")
        else:
            document.write_text(text, encoding="utf-8")
            print(f"{name}: written")
    if stale == 0:
        print("the tables of docs/inputs.md and of all READMEs are up to date")
    return 1 if check and stale else 0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Write the tables of inputs and outputs.")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 when a document is stale"
    )
    options = parser.parse_args(arguments)
    try:
        return run(ROOT, check=options.check)
    except DocsError as error:
        print(f"docs.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
