"""The one translation of our refusals to Temporal's failures: what it is called there, and whether to try again.

Only the code crosses: details may hold what Temporal must not keep.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError

from gateway.domain.errors import (
    Bug,
    Conflict,
    NotFound,
    PayeraError,
    Refused,
    StoreUnavailable,
    VaultFailed,
)

RETRYABLE: dict[type[PayeraError], bool] = {
    NotFound: False,
    Conflict: False,
    Refused: False,
    VaultFailed: False,
    StoreUnavailable: True,
    Bug: False,
}
"""By the nearest class up the tree. What is not listed is not retried."""


def retryable(error: PayeraError) -> bool:
    """Whether the same activity may succeed when it is repeated as it is."""
    return next((RETRYABLE[kind] for kind in type(error).__mro__ if kind in RETRYABLE), False)


@contextmanager
def translated() -> Iterator[None]:
    """Raise a `PayeraError` of the block as an `ApplicationError` whose type is our code."""
    try:
        yield
    except PayeraError as error:
        raise ApplicationError(error.code, type=error.code, non_retryable=not retryable(error)) from None
