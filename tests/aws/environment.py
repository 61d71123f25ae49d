"""An environment in which no credential and no setting of this machine is within reach.

To be called before anything imports boto3 or Powertools, which read the environment while they are imported.
"""

from __future__ import annotations

import os

from tests.aws.names import REGION


def isolate() -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "POWERTOOLS_"))]:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "POWERTOOLS_SERVICE_NAME": "dynamodb-restore",
        "POWERTOOLS_METRICS_NAMESPACE": "DynamoDBRestore",
    }
