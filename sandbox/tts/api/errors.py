"""What ends a request early."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An answer other than success: *status*, *detail*, and what else stands beside `detail`.

    *plain* marks the answers that the faulty build gives as plain text (F-10): an unknown route and a crash.
    """

    def __init__(self, status: int, detail: str, *, plain: str | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.plain = plain
        self.extra = extra


class StoreFailed(Exception):
    """The database refused a statement. *unique*: because of a unique index, *constraint* names it."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(type(cause).__name__)
        self.unique = getattr(cause, "sqlstate", None) == "23505"
        diagnostics = getattr(cause, "diag", None)
        self.constraint: str | None = getattr(diagnostics, "constraint_name", None)


def not_found(detail: str) -> ApiError:
    """404 *detail*. Also for what exists and belongs to somebody else."""
    return ApiError(404, detail)


def unknown_route() -> ApiError:
    """The answer to a path or method that does not exist."""
    return ApiError(404, "Not Found", plain="404 Not Found")


def crashed() -> ApiError:
    """The answer to an exception that nobody expected."""
    return ApiError(500, "Internal Server Error", plain="Internal Server Error")
