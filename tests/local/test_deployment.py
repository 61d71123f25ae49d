"""What Terraform makes of its own work. The destroy is checked too: by the fixture `nothing_left`."""

from __future__ import annotations

import os
import subprocess

from tests.local.deployment import Stack


def test_a_second_plan_is_empty(stack: Stack) -> None:
    runner = stack.terraform
    plan = subprocess.run(
        [
            runner.tf_bin,
            "plan",
            "-input=false",
            "-no-color",
            "-detailed-exitcode",
            f"-state={runner.state_path}",
        ],
        cwd=runner.module_dir,
        env={**os.environ, "TF_DATA_DIR": runner.work_dir},
        capture_output=True,
        text=True,
        check=False,
    )
    assert plan.returncode == 0, plan.stdout + plan.stderr
