"""Runs one emulator as a process of its own: `python server.py ministack` or `python server.py moto PORT`.

ministack runs in an environment that has boto3 but none of the project's dependencies: a function that
lacks something in its package or its layer fails here as it would on AWS. So this file imports nothing
of the project but what stands beside it for the same use, and each emulator only where it is run.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import signal
import sys
import threading
from typing import Any


def end_with_owner() -> None:
    """An emulator must not outlive whoever started it, even one that was killed outright.

    The owner holds the other end of this process's standard input. When it closes, for whatever reason,
    the whole process group ends: the emulator and the function workers that it has started.
    """

    def watch() -> None:
        while sys.stdin.buffer.read(1):
            pass
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, name="owner", daemon=True).start()


def run_ministack() -> None:
    """ministack, with functions that say who they are, and with IAM as AWS enforces it."""
    # This script's folder is the first that Python looks in.
    importlib.import_module("ministack_iam").mend()
    sys.argv = ["ministack"]
    importlib.import_module("ministack.app").main()


NOT_SUSPENDED = dict.fromkeys(
    ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"), False
)


def run_moto(port: str) -> None:
    """moto, with what Application Auto Scaling lacks there.

    ListTagsForResource, without which Terraform waits in vain for its scalable targets; pages of targets
    that come to an end (moto's tokens count from the page, not from the start); and the suspended state,
    which AWS shows of every target.
    """
    responses: Any = importlib.import_module("moto.applicationautoscaling.responses")

    def describe_scalable_targets(self: Any) -> str:
        self._validate_params()
        found = self.applicationautoscaling_backend.describe_scalable_targets(
            self._get_param("ServiceNamespace"),
            self._get_param("ResourceIds"),
            self._get_param("ScalableDimension"),
        )
        start = int(self._get_param("NextToken") or 0)
        end = start + (self._get_int_param("MaxResults") or 50)
        targets = [responses._build_target(each) for each in found[start:end]]
        for target in targets:
            target["SuspendedState"] = target.get("SuspendedState") or NOT_SUSPENDED
        return json.dumps({"ScalableTargets": targets, "NextToken": str(end) if end < len(found) else None})

    mended = responses.ApplicationAutoScalingResponse
    mended.describe_scalable_targets = describe_scalable_targets
    mended.list_tags_for_resource = lambda self: json.dumps({"Tags": {}})
    # One line for each request would bury what moto has to say.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    importlib.import_module("moto.server").main(["--host", "127.0.0.1", "--port", port])


if __name__ == "__main__":
    end_with_owner()
    match sys.argv[1:]:
        case ["ministack"]:
            run_ministack()
        case ["moto", port]:
            run_moto(port)
        case _:
            sys.exit("usage: server.py ministack | server.py moto PORT")
