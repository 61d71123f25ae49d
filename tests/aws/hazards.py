"""What can go wrong with a call, and when: small objects that a wire asks, one after another, at each attempt."""

from __future__ import annotations

import enum
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from typing_extensions import override

from tests.aws.clock import VirtualClock
from tests.aws.errors import WORDS, client_error


class Mode(enum.Enum):
    """What goes wrong with one attempt."""

    THROTTLED = "throttled before it takes effect"
    UNREACHABLE = "not connected before it takes effect"
    ANSWER_LOST = "answered with a 500 after it has taken effect"
    TIMED_OUT = "timed out after it has taken effect"
    DIED_BEFORE = "the process dies before it"
    DIED_AFTER = "the process dies after it"
    DENIED = "not permitted, until somebody mends that"
    TOKEN_NOT_VALID = "refused: the role's token is not valid yet"
    REFUSED = "refused"
    LATE = "timed out, and takes effect when its caller has gone on"

    @property
    def takes_effect(self) -> bool:
        """Whether it takes effect at once."""
        return self in (Mode.ANSWER_LOST, Mode.TIMED_OUT, Mode.DIED_AFTER)

    @property
    def is_death(self) -> bool:
        return self in (Mode.DIED_BEFORE, Mode.DIED_AFTER)

    @property
    def takes_time(self) -> bool:
        """Whether its caller waits for something that does not come."""
        return self in (Mode.UNREACHABLE, Mode.TIMED_OUT, Mode.LATE)


PASSING = (
    Mode.THROTTLED,
    Mode.UNREACHABLE,
    Mode.ANSWER_LOST,
    Mode.TIMED_OUT,
    Mode.DIED_BEFORE,
    Mode.DIED_AFTER,
)
"""Those that another delivery gets over by itself."""


MIXED = (
    *[Mode.THROTTLED] * 8,
    *[Mode.DIED_BEFORE] * 3,
    *[Mode.DIED_AFTER] * 3,
    *[Mode.ANSWER_LOST] * 3,
    *[Mode.TOKEN_NOT_VALID] * 3,
)
"""How simulations mix what goes wrong."""


class Call(NamedTuple):
    """One call of a function: what it asked for, and of which resource."""

    operation: str
    resource: str

    @override
    def __str__(self) -> str:
        return f"{self.operation} {self.resource}".rstrip()


class Attempt(NamedTuple):
    """One request that is about to be sent.

    Attributes:
        number: of all attempts on its wire, from 0.
        service: its name in botocore.
    """

    number: int
    call: Call
    service: str
    region: str

    @property
    def endpoint_url(self) -> str:
        return f"https://{self.service}.{self.region}.amazonaws.com"


@dataclass(frozen=True)
class Fault:
    """What a hazard does to an attempt.

    Attributes:
        error: what the caller sees, where that is not what the service says by itself; `REFUSED` needs one.
        lands_after: seconds until a late effect.
    """

    mode: Mode
    error: Exception | None = None
    lands_after: float = 0.0

    def error_for(self, attempt: Attempt) -> Exception:
        """What botocore raises."""
        if self.error is not None:
            return self.error
        words, operation = WORDS[attempt.service], attempt.call.operation
        match self.mode:
            case Mode.UNREACHABLE:
                return ConnectTimeoutError(endpoint_url=attempt.endpoint_url)
            case Mode.TIMED_OUT | Mode.LATE:
                return ReadTimeoutError(endpoint_url=attempt.endpoint_url)
            case Mode.ANSWER_LOST:
                return client_error(operation, words.failed[0], "the answer was lost", words.failed[1])
            case Mode.DENIED:
                return client_error(operation, words.denied[0], "not authorized", words.denied[1])
            case Mode.TOKEN_NOT_VALID:
                return client_error(operation, "UnrecognizedClientException", "the token is not valid yet")
        throttled = client_error(operation, words.throttled[0], "slow down", words.throttled[1])
        throttled.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] = "2"
        return throttled


Hazard = Callable[[Attempt], Fault | None]
"""Asked at each attempt inside a function; None leaves it alone. It may also do something meanwhile."""


def at(number: int, mode: Mode) -> Hazard:
    """One attempt goes wrong."""
    return lambda attempt: Fault(mode) if attempt.number == number else None


def meanwhile(act: Callable[[], object]) -> Hazard:
    """Others act while a call is on its way."""

    def hazard(attempt: Attempt) -> None:
        act()

    return hazard


def failing(faults: Mapping[str, Fault]) -> Hazard:
    """Every call of some operations goes wrong."""
    return lambda attempt: faults.get(attempt.call.operation)


@dataclass
class NowAndThen:
    """Faults by chance.

    Attributes:
        rate: share of the attempts.
        modes: what goes wrong then; one that is there twice is twice as likely.
        struck: how many went wrong.
    """

    rng: random.Random
    modes: Sequence[Mode]
    rate: float = 0.0
    struck: int = 0

    def __call__(self, attempt: Attempt) -> Fault | None:
        if not self.rate or self.rng.random() >= self.rate:
            return None
        self.struck += 1
        return Fault(self.rng.choice(self.modes))


@dataclass
class Storm:
    """For a while, nearly everything is throttled.

    Attributes:
        until: its end, on the true clock.
        share: of the attempts.
    """

    clock: VirtualClock
    rng: random.Random
    until: float = 0.0
    share: float = 0.9

    def __call__(self, attempt: Attempt) -> Fault | None:
        strikes = self.clock.now < self.until and self.rng.random() < self.share
        return Fault(Mode.THROTTLED) if strikes else None


@dataclass
class LateEffects:
    """Requests that stall: their callers see a timeout and go on, and the effect lands later.

    Attributes:
        operations: which; none for all.
        seconds: within which time the effect lands. AWS takes a signed request for five to fifteen minutes
            (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html).
    """

    rng: random.Random
    rate: float
    seconds: tuple[float, float] = (0.0, 900.0)
    operations: Collection[str] = field(default_factory=frozenset)

    def __call__(self, attempt: Attempt) -> Fault | None:
        meant = not self.operations or attempt.call.operation in self.operations
        if not meant or self.rng.random() >= self.rate:
            return None
        return Fault(Mode.LATE, lands_after=self.rng.uniform(*self.seconds))
