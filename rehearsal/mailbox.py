"""What the e-mail subscribers of a region's alarm topic receive."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from rehearsal.run import ACCOUNT, PREFIX, Region, Run

_PAUSE_SECONDS = 0.005
_WAIT_SECONDS = 10


@dataclass(frozen=True)
class Mail:
    """A message as one of its readers got it."""

    to: str
    subject: str
    message: str


class Mailbox:
    """The mails of one region's alarm topic from now on.

    Attributes: topic, its ARN; mails, those that were read so far.
    """

    def __init__(self, run: Run, region: Region) -> None:
        self.topic = f"arn:aws:sns:{region.name}:{ACCOUNT}:{PREFIX}-alarms"
        self.mails: list[Mail] = []
        self._run = run
        self._file = run.folder / "emulator" / "mail.jsonl"
        self._position = self._file.stat().st_size if self._file.exists() else 0

    def read(self) -> list[Mail]:
        """The mails since the last reading."""
        if not self._file.exists():
            return []
        with self._file.open("rb") as file:
            file.seek(self._position)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]  # the last line may still be under way
        self._position += len(whole)
        lines = [json.loads(line) for line in whole.splitlines()]
        mails = [
            Mail(line["to"], line["subject"] or "", line["message"]) for line in lines if line["topic"] == self.topic
        ]
        self.mails += mails
        return mails

    def wait(self, is_it: Callable[[Mail], bool]) -> list[Mail]:
        """The first mails that are the wished one, one for each subscriber; none when they do not come in time."""
        begun = time.monotonic()
        while time.monotonic() - begun < _WAIT_SECONDS:
            if mails := [mail for mail in self.read() if is_it(mail)]:
                return mails
            self._run.processes.check()
            time.sleep(_PAUSE_SECONDS)
        return []
