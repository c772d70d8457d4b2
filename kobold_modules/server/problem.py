"""What is wrong with a request, as a sentence, and the shape in which each dialect says it."""

from __future__ import annotations

from typing import Any

from ..errors import BadInput, BadModule, BadUsage, EngineFailed, KoboldModulesError, OutOfMemory, WrongModel


class Problem(Exception):
    """A request cannot be served.

    Args:
        status: HTTP's number for it.
        message: one sentence for the person.
        field: the field of the body that is wrong, if it is one.
        kind: a short name for programs.
        retry_after: seconds after which it makes sense to come again; 0: none.
    """

    def __init__(self, status: int, message: str, *, field: str = "", kind: str = "", retry_after: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field
        self.kind = kind or _KINDS.get(status, "invalid_request_error" if status < 500 else "server_error")
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with it."""
        found = {"Retry-After": str(self.retry_after)} if self.retry_after else {}
        if self.status == 401:
            found["WWW-Authenticate"] = "Bearer"
        return found


_KINDS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    500: "server_error",
    503: "service_unavailable",
    507: "out_of_memory",
}


def of_error(error: KoboldModulesError) -> Problem:
    """Return the problem that ``error`` is to a client: the sentence and its hint."""
    message = f"{error.message} {error.hint}".strip()
    if isinstance(error, BadModule):
        return Problem(404, message, kind="model_not_found")
    if isinstance(error, WrongModel | BadUsage | BadInput):
        return Problem(422 if isinstance(error, WrongModel) else 400, message)
    if isinstance(error, OutOfMemory):
        return Problem(507, message)
    if isinstance(error, EngineFailed):
        return Problem(500, message)
    return Problem(500, "The server could not write this text.")


def body_of(problem: Problem, path: str) -> dict[str, Any]:
    """Return the JSON that says ``problem`` in the dialect that ``path`` belongs to."""
    if path.startswith("/api/"):
        detail: dict[str, Any] = {"msg": problem.message, "type": problem.kind}
        if problem.field:
            detail[problem.field] = [problem.message]
        return {"detail": detail}
    if path.startswith(("/v1/", "/v1beta/")) or path == "/v1":
        param = problem.field or None
        return {"error": {"message": problem.message, "type": problem.kind, "param": param, "code": problem.kind}}
    return {"error": {"code": problem.status, "message": problem.message, "type": problem.kind}}
