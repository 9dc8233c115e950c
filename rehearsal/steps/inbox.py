"""The emails that the subscribers of a region's alarm topic receive."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from rehearsal.run import Region, Run

_PAUSE_SECONDS = 0.005
_WAIT_SECONDS = 10


@dataclass(frozen=True)
class Email:
    """An email to one subscriber."""

    to: str
    subject: str
    message: str


class Inbox:
    """The emails of one region's alarm topic from now on.

    Attributes: emails, those that were read so far.
    """

    def __init__(self, run: Run, region: Region) -> None:
        self.emails: list[Email] = []
        self._run = run
        self._topic = region.alarm_topic
        self._file = run.folder / "emulator" / "emails.jsonl"
        self._position = self._file.stat().st_size if self._file.exists() else 0

    def read(self) -> list[Email]:
        """Return the emails since the last call."""
        if not self._file.exists():
            return []
        with self._file.open("rb") as file:
            file.seek(self._position)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]  # the last line may be half written
        self._position += len(whole)
        lines = [json.loads(line) for line in whole.splitlines()]
        emails = [
            Email(line["to"], line["subject"] or "", line["message"]) for line in lines if line["topic"] == self._topic
        ]
        self.emails += emails
        return emails

    def wait(self, matches: Callable[[Email], bool]) -> list[Email]:
        """Return the first emails that match, one for each subscriber; none when they do not come in time."""
        begun = time.monotonic()
        while time.monotonic() - begun < _WAIT_SECONDS:
            if emails := [email for email in self.read() if matches(email)]:
                return emails
            self._run.processes.check()
            time.sleep(_PAUSE_SECONDS)
        return []
