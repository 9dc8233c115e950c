"""Secrets from a file: what it would change is shown without values, and nothing is written before that is agreed."""

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from procedures import secret, secrets_file
from procedures.secrets_file import SecretsFileError, main, read

_PRODUCTION = ("--environment", "production", "--file")


class Manager:
    """Secrets Manager and ECS: it refuses to write the secrets in `refused`, and counts deployments."""

    def __init__(self, **kept: str) -> None:
        self.kept = {name.replace("_", "-"): value for name, value in kept.items()}
        self.texts: dict[str, str] = {}  # of secrets that were put by other means
        self.refused: set[str] = set()
        self.written: list[str] = []
        self.deployments = 0
        self.has_service = True

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803 - boto3's names
        name = SecretId.removeprefix("pardon-production/")
        if name not in self.kept:
            error = {"Code": "ResourceNotFoundException", "Message": "It is not there."}
            raise ClientError({"Error": error}, "GetSecretValue")
        return {"SecretString": self.texts.get(name, json.dumps({"value": self.kept[name]}))}

    def put_secret_value(self, *, SecretId: str, SecretString: str) -> None:  # noqa: N803
        name = SecretId.removeprefix("pardon-production/")
        if name in self.refused:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "No."}}, "PutSecretValue")
        self.kept[name] = json.loads(SecretString)["value"]
        self.written.append(name)

    def update_service(self, **_options: Any) -> None:
        if not self.has_service:
            raise ClientError({"Error": {"Code": "ServiceNotFoundException", "Message": "None."}}, "UpdateService")
        self.deployments += 1


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Manager:
    manager = Manager(openai_api_key="old", helius_api_key="", cdp_api_key_id="same", solana_private_key_cz="wallet")
    monkeypatch.setattr(secret, "client", lambda *_: manager)
    return manager


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / ".env.secrets"
    file.write_text(text)
    file.chmod(mode)
    return file


def answering(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


_FILE = """
# from the password manager
OPENAI_API_KEY='s3cret "new" # $HOME'
export HELIUS_API_KEY=s3cret-first
CDP_API_KEY_ID=same
"""


def test_what_differs_is_written_and_tasks_are_replaced_once(
    tmp_path: Path, manager: Manager, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, "yes\n")
    assert main([*_PRODUCTION, str(written(tmp_path, _FILE))]) == 0
    assert manager.kept["openai-api-key"] == 's3cret "new" # $HOME'
    assert manager.written == ["openai-api-key", "helius-api-key"]
    assert manager.deployments == 1
    shown = "".join(capsys.readouterr())
    assert all(words in shown for words in ("is replaced", "is filled", "stays", "in us-east-1", "ECS replaces"))
    assert "s3cret" not in shown
    assert "old" not in shown.split()


def test_a_second_run_changes_nothing_and_tells_how_to_restart(
    tmp_path: Path, manager: Manager, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(written(tmp_path, _FILE))
    answering(monkeypatch, "yes\n")
    main([*_PRODUCTION, file])
    manager.written.clear()
    assert main([*_PRODUCTION, file]) == 0
    assert (manager.written, manager.deployments) == ([], 1)
    assert "--force-new-deployment" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["same", '"same"', '{"key": "same"}', '{"value": null}', "[]"])
def test_what_was_put_by_other_means_is_replaced(
    tmp_path: Path, manager: Manager, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    manager.texts["cdp-api-key-id"] = text
    answering(monkeypatch, "yes\n")
    assert main([*_PRODUCTION, str(written(tmp_path, "CDP_API_KEY_ID=same\n"))]) == 0
    assert manager.written == ["cdp-api-key-id"]


@pytest.mark.parametrize("answer", ["no\n", "", "\n", "production\n"])
def test_without_agreement_nothing_is_written(
    tmp_path: Path, manager: Manager, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    answering(monkeypatch, answer)
    assert main([*_PRODUCTION, str(written(tmp_path, _FILE))]) == 1
    assert (manager.written, manager.deployments) == ([], 0)


def test_a_failure_in_between_names_what_is_written_and_can_be_repeated(
    tmp_path: Path, manager: Manager, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(written(tmp_path, _FILE))
    manager.refused = {"helius-api-key"}
    answering(monkeypatch, "yes\n")
    assert main([*_PRODUCTION, file]) == 1
    assert "Written: openai-api-key. Not written: helius-api-key." in capsys.readouterr().err
    assert manager.deployments == 0
    manager.refused.clear()
    answering(monkeypatch, "yes\n")
    assert main([*_PRODUCTION, file]) == 0
    assert manager.written == ["openai-api-key", "helius-api-key"]


def test_before_there_is_a_service_secrets_are_filled(
    tmp_path: Path, manager: Manager, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    manager.has_service = False
    answering(monkeypatch, "yes\n")
    assert main([*_PRODUCTION, str(written(tmp_path, _FILE))]) == 0
    assert "There is no service yet" in capsys.readouterr().out


def test_another_wallet_is_told(
    tmp_path: Path, manager: Manager, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, "no\n")
    main([*_PRODUCTION, str(written(tmp_path, "SOLANA_PRIVATE_KEY_CZ=other\n"))])
    assert "ANOTHER WALLET" in capsys.readouterr().out
    assert not manager.written


def test_the_first_key_of_a_wallet_is_no_other_wallet(
    tmp_path: Path, manager: Manager, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    manager.kept["solana-private-key-cz"] = ""
    answering(monkeypatch, "no\n")
    main([*_PRODUCTION, str(written(tmp_path, "SOLANA_PRIVATE_KEY_CZ=first\n"))])
    shown = capsys.readouterr().out
    assert "is filled" in shown
    assert "ANOTHER WALLET" not in shown


def test_what_no_container_reads_replaces_no_task(
    tmp_path: Path, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets_file, "readers", lambda *_: ())
    answering(monkeypatch, "yes\n")
    assert main([*_PRODUCTION, str(written(tmp_path, _FILE))]) == 0
    assert len(manager.written) == 2
    assert manager.deployments == 0


def test_a_secret_that_is_not_deployed_stops_all(
    tmp_path: Path, manager: Manager, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, "yes\n")
    assert main([*_PRODUCTION, str(written(tmp_path, f"{_FILE}SOLANA_RPC_URL=https://example.com\n"))]) == 1
    assert "Is pardon-production-secrets deployed in us-east-1?" in capsys.readouterr().err
    assert not manager.written


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SecretsFileError, match=r"is open to others .* chmod 600"):
        read(written(tmp_path, _FILE, mode))


def test_a_file_that_git_tracks_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, _FILE)
    _git(tmp_path, "init", "--quiet")
    assert read(file)
    _git(tmp_path, "add", "--force", file.name)
    with pytest.raises(SecretsFileError, match="is tracked by git"):
        read(file)
    link = tmp_path.parent / f"{tmp_path.name}-link"
    link.symlink_to(file)
    with pytest.raises(SecretsFileError, match="is tracked by git"):
        read(link)


def test_a_repository_that_git_cannot_read_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, _FILE)
    _git(tmp_path, "init", "--quiet")
    (tmp_path / ".git" / "config").write_text("[core")
    with pytest.raises(SecretsFileError, match="git cannot tell whether it tracks FILE"):
        read(file)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must hold NAME=value for at least one of CRON_SECRET"),
        ("OPENAI_API_KEY=a\r\nOPENAI_KEY=s3cret\r\n", "line 2: the name must be one of"),
        ("# only a comment\n", "must hold NAME=value"),
        ("\n\nOPENAI_API_KEY=\n", "line 3: the value of OPENAI_API_KEY must not be empty"),
        ("OPENAI_API_KEY='  '", "line 1: the value of OPENAI_API_KEY must not be empty"),
        ("OPENAI_API_KEY=a\nOPENAI_API_KEY=b\n", "line 2: OPENAI_API_KEY stands twice"),
        ("OPENAI_API_KEY=a\nOPENAI_KEY=s3cret\n", "line 2: the name must be one of .*, got OPENAI_KEY"),
        ("DATABASE_URL=postgresql://s3cret\n", "line 1: the name must be one of .*, got DATABASE_URL"),
        ("s3cret\n", "line 1: it must be NAME=value"),
        ("s3cret=\n", "line 1: the name must be one of .*, got another text"),
        ("OPENAI_API_KEY='s3cret\n", "line 1: it must be NAME=value"),
        ("OPENAI_API_KEY='a' s3cret\n", "line 1: it must be NAME=value"),
    ],
)
def test_a_wrong_line_is_named_without_its_value(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SecretsFileError, match=message) as raised:
        read(written(tmp_path, text))
    assert "s3cret" not in str(raised.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretsFileError, match="cannot be read: No such file"):
        read(tmp_path / "missing")
    with pytest.raises(SecretsFileError, match="cannot be read: Is a directory"):
        read(tmp_path)
    file = written(tmp_path, "")
    file.write_bytes(b"OPENAI_API_KEY=s3cret\xff\n")
    with pytest.raises(SecretsFileError, match="it is not UTF-8") as raised:
        read(file)
    assert "s3cret" not in str(raised.value)


@given(value=st.text(st.characters(exclude_categories=["Cs"])).filter(str.strip))
def test_in_single_quotes_any_characters_survive(value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("secrets") / "file"
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    file.write_bytes(f"OPENAI_API_KEY='{quoted}'\n".encode())
    file.chmod(0o600)
    assert read(file) == {"openai-api-key": value}
