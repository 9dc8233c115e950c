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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARKER = "<!-- cdk-diff -->"
AUTHOR = "github-actions[bot]"
MAX_CHARACTERS = 65_536  # GitHub refuses a longer comment
ROOM_FOR_CUT = 60  # what `_cut` adds
PAGE = 100  # comments in an answer, GitHub's most
HIDDEN = "(hidden)"

_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_STACK = re.compile(r"^Stack (\S.*)$", re.MULTILINE)
_TRAILER = re.compile(r"^✨ .*$", re.MULTILINE)
_RESOURCE = re.compile(r"^\[[+~-]\] [A-Z]\w*::\S+.*$", re.MULTILINE)
_LOSS = re.compile(r"(?:\b(?:destroy|orphan|replace)|\bmay be replaced)\s*$")
# References, booleans and the like are no secrets, and a reviewer has to see them.
_LITERAL = r"(?!arn:|[{\[$]|true\b|false\b|null\b)"
_SECRETS = (
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), HIDDEN),
    (re.compile(r"(://[^\s:/@]+:)[^\s@{$]+@"), rf"\g<1>{HIDDEN}@"),
    (
        re.compile(
            r"""((?:secret_?(?:access_?)?(?:string|key)|\w*password|\w*token|api_?key)["']?\s*[:=]\s*["']?)"""
            + _LITERAL
            + r"""[^\s"'},]+""",
            re.IGNORECASE,
        ),
        rf"\g<1>{HIDDEN}",
    ),
)
_SECRET_PROPERTY = re.compile(r"(\[~\] \.?(?:SecretString|\w*Password|\w*Token)\b.*\n)((?:[ │├└─]*\[[+-]\] .*\n?)+)")
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
        text = without_secrets(_TERMINAL_CODES.sub("", (folder / f"{environment}.txt").read_text(errors="replace")))
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
    return EnvironmentDiff(environment, result, tuple(_stack_section(name, diff) for name, diff in changed.items()))


def without_secrets(text: str) -> str:
    """`text` without what looks like a credential, should one ever reach a template or an error."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return _SECRET_PROPERTY.sub(lambda found: found[1] + _SECRET_VALUE.sub(rf"\g<1>{HIDDEN}", found[2]), text)


def compose(diffs: list[EnvironmentDiff], *, commit: str, run_url: str, max_characters: int = MAX_CHARACTERS) -> str:
    """The comment, at most `max_characters` long: the texts share the available room."""
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


def _stacks(text: str) -> dict[str, str]:
    parts = _STACK.split(_TRAILER.sub("", text))[1:]
    return {name.strip(): diff.strip() for name, diff in zip(parts[::2], parts[1::2], strict=True)}


def _losses(diff: str) -> int:
    return sum(bool(_LOSS.search(line)) for line in _RESOURCE.findall(diff))


def _loss_text(losses: int) -> str:
    return f"{losses} {'resource' if losses == 1 else 'resources'} replaced or removed"


def _stack_section(name: str, diff: str) -> Section:
    changes, losses = len(_RESOURCE.findall(diff)), _losses(diff)
    title = f"{name}: {changes} {'resource' if changes == 1 else 'resources'} changed"
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
