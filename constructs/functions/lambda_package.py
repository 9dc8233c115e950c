"""The one asset of all scheduled checks: our sources and the pinned libraries, without Docker or network."""

import base64
import hashlib
import io
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath

from aws_cdk import aws_lambda as lambda_

from constructs.functions.lambda_bytecode import bytecode
from validation import ConfigurationError

_PROJECT = Path(__file__).parents[2]
_SOURCES = _PROJECT / "ops_lambdas"
_PRICES = _PROJECT / "prices"  # with which the cost report prices what is deployed
_OUTPUT = _PROJECT / "build" / "lambda"
# The Python that runs the checks on AWS.
RUNTIME = (3, 14)
# The largest parts of the libraries, which no check imports: frameworks for HTTP APIs, queues, parsing and parameters,
# and all time zones. If a check imports one, the test that imports it from the asset fails.
_UTILITIES = (
    *("auth_alpha", "batch", "circuit_breaker", "data_classes", "data_masking", "feature_flags", "idempotency"),
    *("kafka", "parameters", "parser", "streaming", "validation"),
)
_UNUSED = re.compile(rf"aws_lambda_powertools/(event_handler|utilities/({'|'.join(_UTILITIES)}))/|dateutil/zoneinfo/")
_SOURCE_SUFFIXES = (".py", ".pem", ".csv")
_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;#]+)\s*(#.*)?")
# Zip has no time before 1980. A constant, so that the same content makes the same bytes.
_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16


class LambdaPackageError(ConfigurationError):
    """The asset cannot be built from what is installed; names the distribution and what to do."""


@dataclass(frozen=True)
class LambdaPackage:
    """A zip file with the checks' sources and their libraries.

    Args:
        sources: the package of the checks, with a requirements.txt that pins each distribution.
        others: packages that it imports.
        output: where zip files are kept; an existing one is reused.
        has_bytecode: with the bytecode of this Python. Another Python cannot use it, so by default only the
            runtime's own Python adds it; all others build the same file without.
    """

    sources: Path = _SOURCES
    others: tuple[Path, ...] = (_PRICES,)
    output: Path = _OUTPUT
    has_bytecode: bool = sys.version_info[:2] == RUNTIME

    def build(self) -> tuple[Path, str]:
        """Build the zip file, unless it exists, and return it with the hash of its content.

        The hash covers our sources, the checksums in each library's RECORD, and the version of bytecode, so it
        does not change with file times, the machine or its zlib.

        Raises:
            LambdaPackageError: a library is missing, not the pinned version, not pure Python, or changed.
        """
        own = dict(self._own_files())
        libraries = [_Library.find(*pin) for pin in self._pins()]
        content_hash = hashlib.sha256()
        for name, content in own.items():
            content_hash.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
        for library in libraries:
            for name, checksum in library.checksums.items():
                content_hash.update(f"{name} {checksum}\n".encode())
        if self.has_bytecode:
            content_hash.update(f"{sys.implementation.cache_tag}\n".encode())
        target = self.output / f"{content_hash.hexdigest()}.zip"
        if not target.exists():
            contents = dict(own)
            for library in libraries:
                contents.update((path, library.read(path)) for path in library.checksums)
            if self.has_bytecode:
                contents.update(bytecode(contents))
            _write(target, contents)
        return target, content_hash.hexdigest()

    def _own_files(self) -> Iterator[tuple[str, bytes]]:
        for package in (self.sources, *self.others):
            for path in sorted(package.rglob("*")):
                if path.suffix in _SOURCE_SUFFIXES and path.is_file():
                    yield path.relative_to(package.parent).as_posix(), path.read_bytes()

    def _pins(self) -> Iterator[tuple[str, str]]:
        path = self.sources / "requirements.txt"
        for line in path.read_text().splitlines():
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            pin = _PIN.fullmatch(line.strip())
            if not pin:
                raise LambdaPackageError(f"{path} must hold lines name==version, got {line!r}")
            yield pin["name"], pin["version"]


@dataclass(frozen=True)
class _Library:
    """An installed distribution's files that a Lambda needs, and their checksums."""

    name: str
    distribution: metadata.Distribution
    checksums: dict[str, str]  # path in the asset -> sha256 as RECORD writes it

    @classmethod
    def find(cls, name: str, version: str) -> "_Library":
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            raise LambdaPackageError(f"{name}=={version} is not installed: run `make setup`") from None
        if distribution.version != version:
            raise LambdaPackageError(f"{name} must be {version}, got {distribution.version}: run `make setup`")
        if "Root-Is-Purelib: true" not in (distribution.read_text("WHEEL") or "").splitlines():
            raise LambdaPackageError(f"{name} must be pure Python, its wheel is built for one platform")
        checksums = {
            file.as_posix(): file.hash.value for file in distribution.files or [] if _is_needed(file) and file.hash
        }
        return cls(name, distribution, dict(sorted(checksums.items())))

    def read(self, path: str) -> bytes:
        content = Path(str(self.distribution.locate_file(path))).read_bytes()
        if _record_checksum(content) != self.checksums[path]:
            raise LambdaPackageError(f"{path} of {self.name} differs from what was installed: reinstall it")
        return content


@cache
def built() -> tuple[Path, str]:
    """The checks' zip file and the hash of its content, built once in a synthesis."""
    return LambdaPackage().build()


def lambda_package() -> lambda_.Code:
    """Return the checks' code; each function's handler is `ops_lambdas.<check>.handler.handler`.

    Raises:
        LambdaPackageError: see LambdaPackage.build.
    """
    path, content_hash = built()
    return lambda_.Code.from_asset(str(path), asset_hash=content_hash)


def _is_needed(file: PurePosixPath) -> bool:
    """Whether a Lambda needs it: no scripts, no foreign bytecode; of the metadata, only what has the version."""
    if ".." in file.parts or file.is_absolute() or file.suffix == ".pyc" or _UNUSED.match(file.as_posix()):
        return False
    return not file.parts[0].endswith(".dist-info") or file.name == "METADATA"


def _record_checksum(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _write(target: Path, contents: dict[str, bytes]) -> None:
    """Write the zip file atomically, as another synth may be writing the same one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = _MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, contents[name])
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(f".{os.getpid()}")
    temporary.write_bytes(buffer.getvalue())
    temporary.replace(target)
