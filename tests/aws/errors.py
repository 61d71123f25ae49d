"""Errors as botocore raises them, in each service's own words."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import ClientError


class UnknownCallError(BaseException):
    """The account does not know this call: an error of the test, which no function may take for one of AWS."""


class ProcessDeath(BaseException):
    """The function's execution environment is gone: no code of the function may run after this."""


def client_error(operation: str, code: str, message: str = "", status: int = 400) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "RequestId": "0",
                "HostId": "",
                "HTTPStatusCode": status,
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        operation,
    )


def error_code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


@dataclass(frozen=True)
class Words:
    """How a service says the same thing: the error's code and HTTP status."""

    throttled: tuple[str, int]
    failed: tuple[str, int]
    denied: tuple[str, int]


_JSON = Words(("ThrottlingException", 400), ("InternalServerError", 500), ("AccessDeniedException", 400))
WORDS = {
    "dynamodb": _JSON,
    "dynamodbstreams": _JSON,
    "lambda": Words(
        ("TooManyRequestsException", 429), ("ServiceException", 500), ("AccessDeniedException", 403)
    ),
    "application-autoscaling": Words(
        ("ConcurrentUpdateException", 400), ("InternalServiceException", 500), ("AccessDeniedException", 400)
    ),
    "cloudwatch": Words(("Throttling", 400), ("InternalServiceError", 500), ("AccessDenied", 403)),
    "sqs": Words(("RequestThrottled", 403), ("InternalError", 500), ("AccessDenied", 403)),
    "sns": Words(("Throttled", 429), ("InternalError", 500), ("AuthorizationError", 403)),
    "s3": Words(("SlowDown", 503), ("InternalError", 500), ("AccessDenied", 403)),
    "events": Words(("ThrottlingException", 400), ("InternalException", 500), ("AccessDeniedException", 400)),
    "iam": Words(("Throttling", 400), ("ServiceFailure", 500), ("AccessDenied", 403)),
    "sts": Words(("Throttling", 400), ("InternalFailure", 500), ("AccessDenied", 403)),
    "backup": Words(
        ("ThrottlingException", 400), ("ServiceUnavailableException", 500), ("AccessDeniedException", 403)
    ),
    "cloudtrail": Words(
        ("ThrottlingException", 400), ("InternalFailure", 500), ("AccessDeniedException", 400)
    ),
    "kms": Words(("ThrottlingException", 400), ("KMSInternalException", 500), ("AccessDeniedException", 400)),
    "ec2": Words(("RequestLimitExceeded", 503), ("InternalError", 500), ("UnauthorizedOperation", 403)),
    "glue": Words(
        ("ThrottlingException", 400), ("InternalServiceException", 500), ("AccessDeniedException", 400)
    ),
    "osis": Words(("ThrottlingException", 429), ("InternalException", 500), ("AccessDeniedException", 403)),
    "redshift": Words(("Throttling", 400), ("InternalFailure", 500), ("AccessDenied", 403)),
    "pipes": Words(("ThrottlingException", 429), ("InternalException", 500), ("AccessDeniedException", 403)),
    "ssm": _JSON,
    "stepfunctions": Words(
        ("ThrottlingException", 400), ("InternalFailure", 500), ("AccessDeniedException", 400)
    ),
    "appsync": Words(
        ("ThrottlingException", 400), ("InternalFailureException", 500), ("AccessDeniedException", 403)
    ),
}
"""By the service's name in botocore."""
