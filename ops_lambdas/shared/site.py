"""Calling the site's operations routes from outside, as an operator does, with the cron secret."""

import base64
import html
import json
import time
from http import HTTPStatus
from typing import Literal
from urllib.parse import quote, quote_plus

from ops_lambdas.shared.connecting import in_time
from ops_lambdas.shared.http import Answer, HttpClient, HttpError
from ops_lambdas.shared.secret_values import CURRENT, PREVIOUS, SecretError, read_secret

State = Literal[
    "ok",
    "unauthorized",  # 401: the site has neither our secret nor the one before
    "redirected",  # 3xx: our address is not the site's
    "server_error",  # 5xx: the site, or the load balancer before it
    "unexpected_status",
    "not_json",
    "wrong_shape",  # JSON, but not the route's
    "unreachable",  # no connection
    "timeout",  # a connection, but no answer in time
    "broken",  # an answer that was cut off, or is not HTTP
    "secret_unreadable",  # not called, because the bearer token is not known
]
UNANSWERED = ("unreachable", "timeout", "broken")
MAX_DETAIL_LENGTH = 200
_SECRET_SECONDS = 8  # with all retries


def ask(url: str, secret_arn: str, *, seconds: float) -> tuple[Answer, float]:
    """Call a route; return its answer, of any status, and the milliseconds that it took.

    The site reads its secret when its task starts: after a change, tasks that were not replaced yet know the value
    before. A call that is refused as unauthorized is repeated with that one, when there is one.

    Needs `secretsmanager:GetSecretValue` on the cron secret with `kms:Decrypt`.

    Args:
        seconds: after this the calls end; the secret has been read before, in some seconds at most.

    Raises:
        SecretError: the secret cannot be read, or has no valid value.
        HttpError: no whole answer came.
    """
    until = time.monotonic() + seconds + _SECRET_SECONDS
    secret = _cron_secret(secret_arn, CURRENT, _SECRET_SECONDS)
    answer, milliseconds = _ask_with(secret, url, seconds)
    if answer.status != HTTPStatus.UNAUTHORIZED:
        return answer, milliseconds
    try:
        previous = _cron_secret(secret_arn, PREVIOUS, min(_SECRET_SECONDS, until - time.monotonic()))
    except SecretError:  # mostly, because there is none
        return answer, milliseconds
    left = min(seconds, until - time.monotonic())
    if previous == secret or left < seconds / 2:  # with less, a slow answer would look like none
        return answer, milliseconds
    return _ask_with(previous, url, left)


def _ask_with(secret: str, url: str, seconds: float) -> tuple[Answer, float]:
    headers = {"Authorization": f"Bearer {secret}", "Accept": "application/json"}
    with HttpClient(seconds=seconds, answer_seconds=seconds) as client:
        start = time.monotonic()
        try:
            answer = client.request("GET", url, headers=headers)
        except HttpError as error:  # it may have what the server sent, and the server what we sent
            # The whole text, which is cut when it has no secret any more: a part of one would not be found.
            whole = str(error.__cause__ or error).encode(errors="backslashreplace")
            raise HttpError(error.kind, _without(secret, whole).decode()) from None
        milliseconds = round(1000 * (time.monotonic() - start), 1)
    return Answer(answer.status, _without(secret, answer.body)), milliseconds


def state_of_failure(error: SecretError | HttpError) -> State:
    """Return the state for a call that got no answer."""
    if isinstance(error, SecretError):
        return "secret_unreadable"
    if error.kind == "unreachable" or error.kind == "broken":
        return error.kind
    return "timeout"


def state_of_status(status: int) -> State:
    """Return the state for an answer; "ok" for 200 only."""
    if status == 200:
        return "ok"
    if status == 401:
        return "unauthorized"
    if 300 <= status < 400:
        return "redirected"
    return "server_error" if status >= 500 else "unexpected_status"


def _without(secret: str, content: bytes) -> bytes:
    """Return what a server sent without our secret, as it is or in the ways in which a server echoes a request."""
    bearer = base64.b64encode(f"Bearer {secret}".encode()), base64.b64encode(secret.encode())
    echoes = {secret, json.dumps(secret)[1:-1], html.escape(secret), quote(secret, safe=""), quote_plus(secret)}
    for echo in sorted((*bearer, *(echo.encode() for echo in echoes)), key=len, reverse=True):
        content = content.replace(echo, b"[secret]")
    return content


def _cron_secret(arn: str, stage: str, seconds: float) -> str:
    try:
        value = in_time(lambda: read_secret(arn, stage), seconds).get("value")
    except TimeoutError as error:
        raise SecretError(f"secret {arn} cannot be read: {error}") from error
    # A header holds printable ASCII only; the HTTP library's error would show the secret.
    if not (isinstance(value, str) and value and value.isascii() and value.isprintable()):
        raise SecretError(f"secret {arn} has no valid value")
    return value
