"""The tables of docs/inputs.md and of the READMEs say what the .tf files say, and a stale one is found."""

from pathlib import Path

import pytest

from scripts import docs

VARIABLES = r"""
# variable "commented" {}
variable "name" {
  description = "Prefix of every name: \"a|b\" or $${x}."
  type        = string
  default     = "dynamodb-restore"

  validation {
    condition     = length(var.name) > 0
    error_message = "name is empty"
  }
}

variable "polling" {
  description = <<-EOT
    How to wait,
    in two lines.

    - `max_attempts`: how often
      at most
    - `jitter`: how much
  EOT
  type = object({
    max_attempts = optional(number, 380) # more than a day
    target = optional(object({
      names = optional(list(string), ["*"])
    }), {})
  })
  default  = {}
  nullable = false
}

variable "token" {
  description = "Secret."
  type        = string
  sensitive   = true
}

variable "tags" {
  description = "Tags."
  type        = map(string)
  default = {
    team = "data"
  }
}
"""

OUTPUTS = """
output "queue_url" {
  description = "Where requests wait."
  value       = aws_sqs_queue.this.url
}

output "key" {
  description = "The key."
  sensitive   = true
  value       = { for k, v in local.keys : k => v if v != null }
}
"""

EXPECTED = r"""### Inputs

| Name | What | Type | Default |
| --- | --- | --- | --- |
| `name` | Prefix of every name: "a\|b" or ${x}. | `string` | `"dynamodb-restore"` |
| `polling` | How to wait, in two lines.<br><br>• `max_attempts`: how often at most<br>• `jitter`: how much | [below](#input-polling) | `{}` |
| `token` | Secret. (sensitive) | `string` | required |
| `tags` | Tags. | `map(string)` | [below](#input-tags) |

#### Input `polling`

```hcl
type = object({
  max_attempts = optional(number, 380) # more than a day
  target = optional(object({
    names = optional(list(string), ["*"])
  }), {})
})
```

#### Input `tags`

```hcl
default = {
  team = "data"
}
```

### Outputs

| Name | What |
| --- | --- |
| `queue_url` | Where requests wait. |
| `key` | The key. (sensitive) |"""

README = f"# Module\n\nProse before.\n\n{docs.BEGIN}\n{docs.END}\n\nProse after.\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository whose root has docs/inputs.md, and one module and one example a README, all with markers."""
    for name in ("docs/inputs.md", "modules/queue/README.md", "examples/basic/README.md"):
        document = tmp_path / name
        document.parent.mkdir(parents=True, exist_ok=True)
        document.write_text(README, encoding="utf-8")
    (tmp_path / "variables.tf").write_text(VARIABLES, encoding="utf-8")
    (tmp_path / "outputs.tf").write_text(OUTPUTS, encoding="utf-8")
    return tmp_path


def test_tables_show_names_descriptions_types_and_defaults_as_written(root: Path) -> None:
    assert docs.generated(root) == EXPECTED


def test_prose_around_the_markers_stays(root: Path) -> None:
    assert docs.run(root, check=False) == 0
    written = (root / "docs" / "inputs.md").read_text(encoding="utf-8")
    assert written == README.replace(f"{docs.BEGIN}\n", f"{docs.BEGIN}\n{EXPECTED}\n")


def test_a_folder_without_variables_or_outputs_says_so(root: Path) -> None:
    assert docs.run(root, check=False) == 0
    for readme in ("modules/queue/README.md", "examples/basic/README.md"):
        assert "### Inputs\n\nNone.\n\n### Outputs\n\nNone." in (root / readme).read_text(encoding="utf-8")


def test_the_check_finds_a_stale_readme_names_the_remedy_and_writes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docs.run(root, check=False)
    outputs = root / "outputs.tf"
    outputs.write_text(outputs.read_text(encoding="utf-8").replace("Where requests", "Where the requests"))
    before = (root / "docs" / "inputs.md").read_bytes()
    capsys.readouterr()

    assert docs.run(root, check=True) == 1

    said = capsys.readouterr().out
    assert said.startswith("docs/inputs.md: ")
    assert "make docs" in said
    assert "modules/queue" not in said
    assert (root / "docs" / "inputs.md").read_bytes() == before


def test_the_check_passes_right_after_writing(root: Path) -> None:
    docs.run(root, check=False)
    assert docs.run(root, check=True) == 0


def test_a_readme_without_markers_is_left_alone(root: Path) -> None:
    readme = root / "modules" / "queue" / "README.md"
    readme.write_text("# By hand\n", encoding="utf-8")
    (root / "README.md").write_text(README, encoding="utf-8")
    docs.run(root, check=False)
    assert readme.read_text(encoding="utf-8") == "# By hand\n"
    assert (root / "README.md").read_text(encoding="utf-8") == README, "that of the root has no tables"


@pytest.mark.parametrize(
    "text", [docs.BEGIN, f"{docs.END}\n{docs.BEGIN}", f"{docs.BEGIN}{docs.END}{docs.BEGIN}{docs.END}"]
)
def test_markers_out_of_order_or_number_are_refused(root: Path, text: str) -> None:
    (root / "docs" / "inputs.md").write_text(text, encoding="utf-8")
    with pytest.raises(docs.DocsError, match="once each"):
        docs.run(root, check=False)


@pytest.mark.parametrize(
    ("variables", "remedy"),
    [
        ('variable "a" {\n  type = string\n}\n', "has no description"),
        ('variable "a" {\n  description = "A."\n}\n', "has no type"),
        ('variable "a" {\n', "cannot be parsed"),
    ],
)
def test_an_undocumented_or_broken_variable_is_named(root: Path, variables: str, remedy: str) -> None:
    (root / "variables.tf").write_text(variables, encoding="utf-8")
    with pytest.raises(docs.DocsError, match=remedy):
        docs.run(root, check=False)


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        (r'"a \"quoted\" word"', 'a "quoted" word'),
        ('"$${name} and 100%%{x}"', "${name} and 100%{x}"),
        ("<<EOT\n  kept\n  indent\nEOT", "kept\n  indent"),
        ("<<-EOT\n    first\n      second\n  EOT", "first\n  second"),
        ("<<-TEXT\n\n  TEXT", ""),
    ],
)
def test_string_literals_are_read_as_terraform_reads_them(literal: str, text: str) -> None:
    assert docs.string_value(literal) == text
