"""The checks' asset: reproducible, complete, small, and built only from what is pinned."""

import os
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from constructs.functions.lambda_package import RUNTIME, LambdaPackage, LambdaPackageError, lambda_package

PROJECT = Path(__file__).parents[2]
MAX_ZIPPED_BYTES = 2_500_000  # a Lambda's cold start loads all of it
# What AWS's Python runtimes have of what a library may need. jmespath, dateutil and six come with boto3, too, in
# AWS's versions; the asset has its own.
AWS_RUNTIME = {"boto3", "botocore", "s3transfer", "urllib3"}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip file, newly built, as a Python other than the runtime's builds it."""
    path, _ = LambdaPackage(output=tmp_path_factory.mktemp("package"), has_bytecode=False).build()
    return path


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip file with this Python's bytecode, as the runtime's Python builds it."""
    path, _ = LambdaPackage(output=tmp_path_factory.mktemp("compiled"), has_bytecode=True).build()
    return path


@pytest.fixture(scope="module")
def unpacked(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The asset as a Lambda finds it in /var/task."""
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A small package with one library."""
    folder = tmp_path / "checks"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "requirements.txt").write_text(f"# why\nsix=={metadata.version('six')}  # pure\n")
    return folder


def test_the_same_content_makes_the_same_file_and_hash(package: Path, tmp_path: Path) -> None:
    again, content_hash = LambdaPackage(output=tmp_path, has_bytecode=False).build()
    assert again.name == package.name == f"{content_hash}.zip"
    assert again.read_bytes() == package.read_bytes()


def test_the_same_content_makes_the_same_bytecode(compiled: Path, package: Path, tmp_path: Path) -> None:
    again, content_hash = LambdaPackage(output=tmp_path, has_bytecode=True).build()
    assert again.name == compiled.name == f"{content_hash}.zip" != package.name
    assert again.read_bytes() == compiled.read_bytes()


def test_every_source_has_bytecode_which_is_used_without_looking_at_the_source(
    compiled: Path, package: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(compiled) as archive, zipfile.ZipFile(package) as plain:
        added = set(archive.namelist()) - set(plain.namelist())
        sources = [Path(name) for name in plain.namelist() if name.endswith(".py")]
        assert added == {
            f"{source.parent}/__pycache__/{source.stem}.{sys.implementation.cache_tag}.pyc".removeprefix("./")
            for source in sources
        }
        archive.extractall(tmp_path)
    source = tmp_path / "ops_lambdas" / "shared" / "http.py"
    source.write_text("raise AssertionError('compiled anew')")
    script = f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; from ops_lambdas.shared import http; print(http.HttpClient.request.__code__.co_filename)"  # noqa: E501
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert shown.stdout.strip() == str(source), "tracebacks show where it lies"
    header = (source.parent / "__pycache__" / f"http.{sys.implementation.cache_tag}.pyc").read_bytes()[:8]
    assert int.from_bytes(header[4:], "little") == 0b01, "by hash, unchecked"


def test_bytecode_comes_with_a_synthesis_by_the_runtimes_python_only() -> None:
    assert LambdaPackage().has_bytecode is (sys.version_info[:2] == RUNTIME)


def test_neither_times_nor_bytecode_nor_other_files_change_the_hash(sources: Path, tmp_path: Path) -> None:
    package = LambdaPackage(sources=sources, output=tmp_path / "out")
    _, before = package.build()
    os.utime(sources / "__init__.py", (0, 0))
    (sources / "__pycache__").mkdir()
    (sources / "__pycache__" / "__init__.cpython-311.pyc").write_bytes(b"bytecode")
    (sources / "notes.md").write_text("not code")
    assert package.build()[1] == before


def test_a_changed_source_changes_the_hash(sources: Path, tmp_path: Path) -> None:
    package = LambdaPackage(sources=sources, output=tmp_path / "out")
    _, before = package.build()
    (sources / "__init__.py").write_text("CHANGED = True\n")
    assert package.build()[1] != before


def test_an_existing_file_is_reused(sources: Path, tmp_path: Path) -> None:
    package = LambdaPackage(sources=sources, output=tmp_path / "out")
    path, _ = package.build()
    path.write_bytes(b"kept")
    assert package.build()[0].read_bytes() == b"kept"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("pin", "message"),
    [
        ("six==1.0.0", r"six must be 1\.0\.0, got .*make setup"),
        ("not-installed-anywhere==1.0", r"not-installed-anywhere==1\.0 is not installed: .*make setup"),
        (f"cryptography=={metadata.version('cryptography')}", "cryptography must be pure Python"),
        ("six>=1.0", r"must hold lines name==version, got 'six>=1\.0'"),
        ("-r other.txt", "must hold lines name==version"),
    ],
)
def test_what_cannot_be_packed_as_pinned_is_refused(sources: Path, tmp_path: Path, pin: str, message: str) -> None:
    (sources / "requirements.txt").write_text(f"{pin}\n")
    with pytest.raises(LambdaPackageError, match=message):
        LambdaPackage(sources=sources, output=tmp_path / "out").build()
    assert not (tmp_path / "out").exists()


def test_a_library_that_was_changed_after_its_installation_is_refused(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    information = site / "tampered-1.0.dist-info"
    information.mkdir(parents=True)
    (site / "tampered.py").write_text("print('not what RECORD says')\n")
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: tampered\nVersion: 1.0\n")
    (information / "WHEEL").write_text("Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
    (information / "RECORD").write_text("tampered.py,sha256=AAAA,1\n")
    (sources / "requirements.txt").write_text("tampered==1.0\n")
    monkeypatch.syspath_prepend(str(site))
    with pytest.raises(LambdaPackageError, match=r"tampered\.py of tampered differs from what was installed"):
        LambdaPackage(sources=sources, output=tmp_path / "out").build()


def test_it_holds_sources_and_libraries_only(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        names = archive.namelist()
    assert names == sorted(names)
    assert "ops_lambdas/pool_health/handler.py" in names
    assert "ops_lambdas/shared/rds-ca-bundle.pem" in names
    assert {Path(name).suffix for name in names if name.startswith("ops_lambdas/")} == {".py", ".pem"}
    assert not [name for name in names if name.endswith((".pyc", ".so")) or "/tests/" in name or ".." in name]
    assert {Path(name).name for name in names if ".dist-info/" in name} == {"METADATA"}


def test_it_is_small_enough_for_a_quick_cold_start_with_bytecode_too(package: Path, compiled: Path) -> None:
    assert package.stat().st_size < compiled.stat().st_size <= MAX_ZIPPED_BYTES


def test_every_library_that_a_library_needs_is_packed_or_in_the_runtime() -> None:
    lines = (PROJECT / "ops_lambdas" / "requirements.txt").read_text().splitlines()
    packed = {canonicalize_name(line.split("==")[0]) for line in lines if "==" in line}
    for name in packed:
        for line in metadata.requires(name) or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                assert canonicalize_name(needed.name) in packed | AWS_RUNTIME, f"{name} needs {line}"
                if needed.name not in AWS_RUNTIME:
                    assert needed.specifier.contains(metadata.version(needed.name)), f"{name} needs {line}"


@pytest.mark.parametrize("handler", sorted(path.parent.name for path in (PROJECT / "ops_lambdas").glob("*/handler.py")))
def test_each_handler_imports_with_nothing_but_the_asset_and_the_runtime(
    unpacked: Path, tmp_path: Path, handler: str
) -> None:
    for name in ("boto3", "botocore", "s3transfer", "urllib3", "jmespath", "dateutil"):
        (tmp_path / name).symlink_to(Path(str(metadata.distribution("boto3").locate_file(name))))
    script = f"""
import sys
sys.path[:0] = [{str(unpacked)!r}, {str(tmp_path)!r}]
from ops_lambdas.{handler}.handler import handler
assert callable(handler)
import jmespath, pg8000
assert pg8000.__file__.startswith({str(unpacked)!r}) and jmespath.__file__.startswith({str(unpacked)!r})
"""
    isolated = [sys.executable, "-I", "-S", "-B", "-c", script]
    result = subprocess.run(isolated, cwd=tmp_path, env={}, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr


def test_functions_of_several_stacks_share_one_asset(tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path))
    for name in ("One", "Two"):
        stack = cdk.Stack(app, name)
        for check in ("a", "b"):
            lambda_.Function(
                stack,
                check,
                code=lambda_package(),
                handler="ops_lambdas.pool_health.handler.handler",
                runtime=lambda_.Runtime.PYTHON_3_13,
            )
    app.synth()
    assert len(list(tmp_path.glob("asset.*.zip"))) == 1
