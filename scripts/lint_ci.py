"""Check that the workflow proves what .ci/run proves: no less, and nothing that .ci/run does not.

    python scripts/lint_ci.py [WORKFLOW]

A workflow is only as good as what starts it and what it lets pass. So: it runs on every pull request and on every
push to main, without filters; its one job checks the repository out and then runs `bash .ci/run` and no other
command; and it has none of the keys by which that could be skipped, narrowed or allowed to fail.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
COMMAND = "bash .ci/run"
CHECKOUT = "actions/checkout@"

# What has no say in whether and how the command runs. `if`, `env`, `defaults`, `strategy` and others have.
HARMLESS_IN_WORKFLOW = {"name", "on", "permissions", "concurrency", "jobs"}
HARMLESS_IN_JOB = {"name", "runs-on", "timeout-minutes", "permissions", "steps"}
HARMLESS_IN_STEP = {"name", "run"}


def problems(workflow: Mapping[str, Any]) -> Iterator[str]:
    yield from unwanted(workflow, HARMLESS_IN_WORKFLOW)

    triggers = workflow.get("on")
    if triggers != {"push": {"branches": ["main"]}, "pull_request": None}:
        yield (
            "it must run on every push to main and on every pull request, without other filters: "
            "`push: { branches: [main] }` and a bare `pull_request:`"
        )

    jobs = workflow.get("jobs") or {}
    if len(jobs) != 1:
        yield f"it must have one job, and has {len(jobs)}: what .ci/run proves is proven in one place"
    for name, job in jobs.items():
        yield from (f"job {name}: {problem}" for problem in job_problems(job))


def job_problems(job: Mapping[str, Any]) -> Iterator[str]:
    yield from unwanted(job, HARMLESS_IN_JOB)

    steps = job.get("steps") or []
    places = [place for place, step in enumerate(steps) if "run" in step]
    commands = [steps[place]["run"] for place in places]
    if commands != [COMMAND]:
        yield f"it must run {COMMAND!r} and nothing else, and runs {commands}: put the rest into .ci/run"
        return
    (place,) = places
    yield from (
        f"the step that runs {COMMAND!r}: {problem}" for problem in unwanted(steps[place], HARMLESS_IN_STEP)
    )
    if not any(step.get("uses", "").startswith(CHECKOUT) for step in steps[:place]):
        yield f"nothing is checked out before {COMMAND!r}"


def unwanted(mapping: Mapping[str, Any], harmless: set[str]) -> Iterator[str]:
    for key in sorted(mapping.keys() - harmless):
        yield f"`{key}` can keep {COMMAND!r} from running whole, or its failure from counting; do without it"


def read(path: Path) -> Mapping[str, Any]:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(workflow, Mapping):
        raise yaml.YAMLError("it is not a workflow")
    # YAML 1.1 takes a bare `on` for true.
    return {"on" if key is True else str(key): value for key, value in workflow.items()}


def main(arguments: list[str]) -> int:
    path = Path(arguments[0]) if arguments else WORKFLOW
    try:
        found = list(problems(read(path)))
    except (OSError, yaml.YAMLError) as error:
        print(f"lint_ci.py: {path} cannot be read: {error}", file=sys.stderr)
        return 1
    for problem in found:
        print(f"{path.name}: {problem}")
    if not found:
        print(f"{path.name} runs .ci/run, whole and unconditionally")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
