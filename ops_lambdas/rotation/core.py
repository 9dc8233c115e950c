"""The next value of each kind of secret. Values in, values out."""

import secrets
import string
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from ops_lambdas.shared.secret_values import SecretError

PASSWORD_LENGTH, VALUE_LENGTH = 40, 48  # as the deployment generates them
_ALPHABET = string.ascii_letters + string.digits  # a password is part of a URL


def owner(master: str) -> str:
    """The role that owns the application's objects, and that nobody logs in as."""
    return f"{master}_owner"


def logins(master: str) -> tuple[str, str]:
    """The two users that the application alternates between; each acts as the owner."""
    return f"{master}_1", f"{master}_2"


def next_login(master: str, current: str) -> str:
    """The user that the application logs in as after `current`; a new database's is the master."""
    first, second = logins(master)
    return second if current == first else first


def next_url_secret(master: str, current: Mapping[str, Any]) -> dict[str, Any]:
    """Return the current secret with the other user and a new password, also in its URLs.

    Raises:
        SecretError: the current secret has no username or no URL.
    """
    urls = {key: url for key, text in current.items() if (url := _url(text))}
    if not (isinstance(current.get("username"), str) and {"url", "libpq_url"} <= urls.keys()):
        raise SecretError("the secret has no username, or no url and libpq_url of PostgreSQL")
    user, password = next_login(master, current["username"]), _generated(PASSWORD_LENGTH)
    places = {
        key: url._replace(netloc=f"{user}:{password}@{url.netloc.rpartition('@')[2]}") for key, url in urls.items()
    }
    return {
        **current,
        "username": user,
        "password": password,
        **{key: urlunsplit(url) for key, url in places.items()},
    }


def renewed(key: str, length: int, current: Mapping[str, Any]) -> dict[str, Any]:
    """Return the current secret with a new value of this key, of `length` letters and digits."""
    return {**current, key: _generated(length)}


def _generated(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _url(text: object) -> SplitResult | None:
    if not isinstance(text, str) or not text.startswith("postgresql://"):
        return None
    return urlsplit(text)
