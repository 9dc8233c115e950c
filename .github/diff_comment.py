"""Show the diff of each environment in one comment on the pull request, which later pushes update.

Usage: diff_comment.py FOLDER ENVIRONMENT...

FOLDER holds ENVIRONMENT.txt, what `cdk diff` printed, and ENVIRONMENT.status, its exit status. Runs with the
standard library alone; the pull request and the token come from the workflow's environment variables.
"""

import argparse
import html
import json
import os
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

MARKER = "<!-- cdk-diff -->"
AUTHOR = "github-actions[bot]"
MAX_CHARACTERS = 65_536  # GitHub refuses a longer comment
ROOM_FOR_CUT = 60  # what `_cut` adds
PAGE = 100  # comments in an answer, GitHub's most
HIDDEN = "(hidden)"
MAX_SECTIONS = 40  # of an environment; what differs most comes first
MAX_NAME = 100
MAX_BACKTICKS = 20

_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_STACK = re.compile(r"^Stack (\S.*)$", re.MULTILINE)
_TRAILER = re.compile(r"^✨ .*$", re.MULTILINE)
_RESOURCE = re.compile(r"^\[[+~-]\] [A-Z]\w*::\S+.*$", re.MULTILINE)
_LOSS = re.compile(r"(?:\b(?:destroy|orphan|replace)|\bmay be replaced)\s*$")
# References, booleans and the like are no secrets, and a reviewer has to see them.
_LITERAL = r"(?!arn:|[{\[$]|true\b|false\b|null\b)"
_SECRETS = (
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), HIDDEN),
    # Bounded, as everything here is: a text of one word takes no longer than one of many.
    (re.compile(r"(://[^\s:/@]{1,200}:)[^\s@{$]{1,500}@"), rf"\g<1>{HIDDEN}@"),
    (
        re.compile(
            r"""((?:secret_?(?:access_?)?(?:string|key)|password|token|api_?key)["']?\s{0,20}[:=]\s{0,20}["']?)"""
            + _LITERAL
            + r"""[^\s"'},]+""",
            re.IGNORECASE,
        ),
        rf"\g<1>{HIDDEN}",
    ),
)
_SECRET_PROPERTY = re.compile(
    r"(\[~\] \.?(?:SecretString|\w{0,100}Password|\w{0,100}Token)\b.{0,500}\n)((?:[ │├└─]*\[[+-]\] .*\n?)+)"
)
_SECRET_VALUE = re.compile(rf"(\[[+-]\] ){_LITERAL}\S.*")


@dataclass(frozen=True)
class Section:
    """Text to show folded, under a title; when it is too long its beginning is kept, or its end."""

    title: str
    text: str
    keep_end: bool = False


@dataclass(frozen=True)
class EnvironmentDiff:
    """What `cdk diff` found for an environment: its result in one line, and what to show folded."""

    environment: str
    result: str
    sections: tuple[Section, ...]


def read(folder: Path, environment: str) -> EnvironmentDiff:
    """The diff of `environment`; a missing one is a failed one."""
    try:
        text = _plain(without_secrets((folder / f"{environment}.txt").read_text(errors="replace")))
        status = (folder / f"{environment}.status").read_text().strip()
    except FileNotFoundError:
        return EnvironmentDiff(environment, "❌ failed before there was a diff", ())
    if status != "0":
        return EnvironmentDiff(
            environment, "❌ `cdk diff` failed", (Section("what it printed", text.strip(), keep_end=True),)
        )
    stacks = _stacks(text)
    if not stacks:
        return EnvironmentDiff(
            environment, "❓ no stack in what `cdk diff` printed", (Section("all of it", text.strip()),)
        )
    changed = {name: diff for name, diff in stacks.items() if diff != "There were no differences"}
    if not changed:
        return EnvironmentDiff(environment, f"no differences in {len(stacks)} stacks", ())
    losses = sum(_losses(diff) for diff in changed.values())
    result = f"{len(changed)} of {len(stacks)} stacks differ" + (f", ⚠️ {_loss_text(losses)}" if losses else "")
    ordered = sorted(changed.items(), key=lambda one: (-_losses(one[1]), -len(one[1])))
    if len(ordered) > MAX_SECTIONS:
        result += f"; not shown: {len(ordered) - MAX_SECTIONS} of them"
    shown = dict(ordered[:MAX_SECTIONS])
    sections = (_stack_section(name, diff) for name, diff in changed.items() if name in shown)
    return EnvironmentDiff(environment, result, tuple(sections))


def without_secrets(text: str) -> str:
    """`text` without what looks like a credential, should one ever reach a template or an error."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return _SECRET_PROPERTY.sub(lambda found: found[1] + _SECRET_VALUE.sub(rf"\g<1>{HIDDEN}", found[2]), text)


def compose(diffs: list[EnvironmentDiff], *, commit: str, run_url: str, max_characters: int = MAX_CHARACTERS) -> str:
    """The comment, at most `max_characters` long: the texts share the available room."""
    sections = [section for diff in diffs for section in diff.sections]
    while sections and len(_render(diffs, ["" for _ in sections], commit=commit, run_url=run_url)) > max_characters / 2:
        diffs = [replace(diff, sections=diff.sections[:-1] or ()) for diff in diffs]
        sections = [section for diff in diffs for section in diff.sections]
    frame = len(_render(diffs, ["" for _ in sections], commit=commit, run_url=run_url))
    room = _shares([len(section.text) for section in sections], max_characters - frame - ROOM_FOR_CUT * len(sections))
    texts = [_cut(section, share) for section, share in zip(sections, room, strict=True)]
    return _render(diffs, texts, commit=commit, run_url=run_url)


def upsert(comments_url: str, comment_url: str, body: str, *, token: str) -> None:
    """Update our comment on the pull request, or create it.

    Args:
        comments_url: the pull request's comments in GitHub's API.
        comment_url: what a comment's number is appended to.
    """
    for comment in _comments(comments_url, token):
        if comment["user"]["login"] == AUTHOR and comment["body"].startswith(MARKER):
            _call("PATCH", f"{comment_url}/{comment['id']}", token, {"body": body})
            return
    _call("POST", comments_url, token, {"body": body})


def main() -> None:
    """Compose the comment, post it, and repeat it as the job's summary."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("environments", nargs="+")
    arguments = parser.parse_args()
    repository = os.environ["GITHUB_REPOSITORY"]
    body = compose(
        [read(arguments.folder, environment) for environment in arguments.environments],
        commit=os.environ["COMMIT"],
        run_url=f"{os.environ['GITHUB_SERVER_URL']}/{repository}/actions/runs/{os.environ['GITHUB_RUN_ID']}",
    )
    with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a") as summary:
        summary.write(body)
    issues = f"{os.environ['GITHUB_API_URL']}/repos/{repository}/issues"
    upsert(
        f"{issues}/{os.environ['PULL_REQUEST']}/comments",
        f"{issues}/comments",
        body,
        token=os.environ["GITHUB_TOKEN"],
    )


def _plain(text: str) -> str:
    """`text` without terminal codes, and with every other character that is not shown as its escape sequence."""
    text = _TERMINAL_CODES.sub("", text).replace("\r\n", "\n")
    shown = (one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode() for one in text)
    # A fence is longer than any run of backticks inside.
    return re.sub(f"`{{{MAX_BACKTICKS},}}", lambda run: f"(backticks: {len(run[0])})", "".join(shown))


def _stacks(text: str) -> dict[str, str]:
    parts = _STACK.split(_TRAILER.sub("", text))[1:]
    return {name.strip(): diff.strip() for name, diff in zip(parts[::2], parts[1::2], strict=True)}


def _losses(diff: str) -> int:
    return sum(bool(_LOSS.search(line)) for line in _RESOURCE.findall(diff))


def _loss_text(losses: int) -> str:
    return f"{losses} {'resource' if losses == 1 else 'resources'} replaced or removed"


def _stack_section(name: str, diff: str) -> Section:
    changes, losses = len(_RESOURCE.findall(diff)), _losses(diff)
    title = f"{name[:MAX_NAME]}: {changes} {'resource' if changes == 1 else 'resources'} changed"
    return Section(title + (f", ⚠️ {_loss_text(losses)}" if losses else ""), diff)


def _shares(lengths: list[int], room: int) -> list[int]:
    """Room for each text: short ones get all that they need, the long ones the same of what is left."""
    shares = [0] * len(lengths)
    ascending = sorted(range(len(lengths)), key=lengths.__getitem__)
    for done, index in enumerate(ascending):
        shares[index] = min(lengths[index], max(0, room) // (len(lengths) - done))
        room -= shares[index]
    return shares


def _cut(section: Section, share: int) -> str:
    if len(section.text) <= share:
        return section.text
    note = f"… {len(section.text) - share:,} characters cut"
    if section.keep_end:
        return f"{note}\n{section.text[len(section.text) - share :]}"
    return f"{section.text[:share]}\n{note}"


def _render(diffs: list[EnvironmentDiff], texts: list[str], *, commit: str, run_url: str) -> str:
    remaining = iter(texts)
    lines = [MARKER, f"### `cdk diff` of {commit}", "", "| environment | result |", "| --- | --- |"]
    lines += [f"| {diff.environment} | {diff.result} |" for diff in diffs]
    for diff in diffs:
        if diff.sections:
            lines += ["", f"#### {diff.environment}"]
        for section in diff.sections:
            # Longer than any run of backticks inside, so that nothing inside can end it.
            fence = "`" * (1 + max(len(run) for run in ["``", *re.findall("`+", section.text)]))
            folded = f"<details><summary>{html.escape(section.title)}</summary>"
            lines += ["", folded, "", f"{fence}text", next(remaining), fence, "</details>"]
    lines += ["", f"All of it is in [the run's log and artifacts]({run_url}).", ""]
    return "\n".join(lines)


def _comments(url: str, token: str) -> Iterator[dict[str, Any]]:
    page = 1
    while answer := _call("GET", f"{url}?per_page={PAGE}&page={page}", token):
        yield from answer
        page += 1


def _call(method: str, url: str, token: str, body: dict[str, str] | None = None) -> Any:
    request = urllib.request.Request(  # noqa: S310 - the scheme is that of GitHub's own GITHUB_API_URL
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


if __name__ == "__main__":
    main()
