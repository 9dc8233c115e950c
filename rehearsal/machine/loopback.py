"""HTTP to this machine's loopback addresses, and to nothing else."""

from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit


class NoAnswerError(Exception):
    """A server on this machine did not answer."""


def get(url: str, *, headers: dict[str, str] | None = None, timeout_seconds: float = 20) -> tuple[int, bytes]:
    """Get a URL without any proxy; return status and body.

    Raises: NoAnswerError when no server answers, ValueError for a host that is not on loopback.
    """
    return _request("GET", url, None, headers or {}, timeout_seconds)


def post(url: str, body: bytes, *, timeout_seconds: float = 20) -> tuple[int, bytes]:
    """Post to a URL as `get` gets one."""
    return _request("POST", url, body, {}, timeout_seconds)


def _request(
    method: str, url: str, content: bytes | None, headers: dict[str, str], timeout_seconds: float
) -> tuple[int, bytes]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host != "localhost" and not host.startswith("127."):
        raise ValueError(f"url must be of a loopback host, got {url}")
    connection = HTTPConnection(host, parts.port, timeout=timeout_seconds)
    try:
        connection.request(method, parts.path, content, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, HTTPException) as error:
        raise NoAnswerError(f"no answer from {url}: {error}") from error
    finally:
        connection.close()
