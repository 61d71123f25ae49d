"""Errors on demand."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from typing_extensions import override

from .rule import Ask, Request, Response, Rule


@dataclass
class Fault:
    """An error to be given in place of an answer; see `Faults.inject`."""

    operation: str
    code: str
    message: str
    times: int | None
    probability: float
    status: int
    resource: str | None
    by_function: bool | None
    after_effect: bool
    retry_after: int | None
    seen: int = 0
    given: int = 0
    random: random.Random = field(default_factory=random.Random)

    def strikes(self, request: Request) -> bool:
        if request.operation != self.operation or self.resource not in (None, request.resource):
            return False
        if self.by_function not in (None, request.by_function):
            return False
        self.seen += 1
        if self.times is not None and self.given >= self.times:
            return False
        if self.random.random() >= self.probability:
            return False
        self.given += 1
        return True


class Faults(Rule):
    """Errors on demand, before or after the call has taken effect.

    Developer guide, Programming.Errors: ThrottlingException and ProvisionedThroughputExceededException are
    400 and may be retried; InternalServerError is 500, and the call may or may not have taken effect.
    docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html: TooManyRequestsException with
    the header `Retry-After`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._faults: list[Fault] = []

    def inject(
        self,
        operation: str,
        code: str,
        *,
        message: str = "injected by the local AWS",
        times: int | None = 1,
        probability: float = 1.0,
        seed: int = 0,
        status: int = 400,
        resource: str | None = None,
        by_function: bool | None = True,
        after_effect: bool = False,
        retry_after: int | None = None,
    ) -> Fault:
        """Answer an operation with an error, so many times (None: always) or with a seeded probability.

        Strikes functions alone unless told otherwise. With `after_effect` the emulator does the work and
        only the answer is lost. With `retry_after` the answer carries the hint of how many seconds to wait.
        The returned fault tells how often it was given.
        """
        fault = Fault(
            operation, code, message, times, probability, status, resource, by_function, after_effect,
            retry_after, random=random.Random(seed),
        )  # fmt: skip
        with self._lock:
            self._faults.append(fault)
        return fault

    @override
    def reset(self) -> None:
        with self._lock:
            self._faults.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        return self._answer(request, after_effect=False)

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        return self._answer(request, after_effect=True) or response

    def _answer(self, request: Request, *, after_effect: bool) -> Response | None:
        with self._lock:
            for fault in self._faults:
                if fault.after_effect == after_effect and fault.strikes(request):
                    hint = {"Retry-After": str(fault.retry_after)} if fault.retry_after is not None else None
                    return request.refuse(fault.code, fault.message, status=fault.status, headers=hint)
        return None
