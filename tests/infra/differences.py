"""How a deployment differs from production's, as lines to review."""

import json
import re
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from typing import Any

from environment import Environment
from names import LAYERS
from tests.infra.conftest import Deployment

ASSET_HASH = re.compile(r"[0-9a-f]{64}")
NAMES = (
    "Key",
    "Name",
    "Sid",
    "Id",
    "id",
    "service",
)  # of a list's elements, in IAM, CloudWatch, ECS and the cost bands
REFERENCES = ({"Ref"}, {"Fn::GetAtt"}, {"Fn::ImportValue"}, {"Fn::GetStackOutput"})
MAX_LINE = 160


def _each_string(value: Any, change: Callable[[str], str]) -> Any:
    """`value` with every string and key in it changed."""
    if isinstance(value, dict):
        changed = {change(key): _each_string(item, change) for key, item in value.items()}
        assert len(changed) == len(value), "no two keys become one"
        return changed
    if isinstance(value, list):
        return [_each_string(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def masked(template: Any) -> Any:
    """`template` without the hashes of its assets."""
    return _each_string(template, lambda text: ASSET_HASH.sub("<asset hash>", text))


def own_words(environment: Environment) -> dict[str, str]:
    """Placeholders and the words that they replace, a word before any that is part of it."""
    words = {
        "<runbook>": environment.runbook,
        "<domain>": environment.domain or "",
        "<prefix>": environment.prefix,
        "<environment>": environment.name,
        "<account>": environment.account,
        "<region>": environment.region,
    }
    return {placeholder: word for placeholder, word in words.items() if word}


def own_values(environment: Environment) -> dict[str, Any]:
    """Properties that follow from the environment wherever they occur."""
    return {
        "RetentionInDays": environment.log_retention_days,
        "DeletionPolicy": "RetainExceptOnCreate" if environment.is_protected else "Delete",
        "UpdateReplacePolicy": "Retain" if environment.is_protected else "Delete",
    }


def comparable(template: Any, environment: Environment) -> Any:
    """`template` with placeholders for the environment's words, and unfolded."""
    # The CDK's unique names: stack, path, hash; and those of rules between security groups: path, hash, port, hash.
    squeezed = re.compile(rf"{environment.prefix.replace('-', '')}(\w+?)[0-9A-F]{{8}}(?:(\d{{2,5}})[0-9A-F]{{8}})?\b")

    def change(text: str) -> str:
        for placeholder, word in own_words(environment).items():
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])", placeholder, text)
        return squeezed.sub(r"<prefix>\1<hash>\2", text)

    return unfolded(_each_string(masked(template), change))


def unfolded(value: Any) -> Any:
    """`value` with joins joined, references short, JSON in strings parsed, and strings of several lines split."""
    if isinstance(value, dict):
        if value.keys() == {"Fn::Join"} and isinstance(value["Fn::Join"][1], list):
            separator, parts = value["Fn::Join"]
            return unfolded(separator.join(part if isinstance(part, str) else _token(part) for part in parts))
        if value.keys() in REFERENCES:
            return _token(value)
        return {key: _rows(unfolded(item)) if key == "widgets" else unfolded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [unfolded(item) for item in value]
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return unfolded(json.loads(value))
        except ValueError:
            pass
    return value.split("\n") if isinstance(value, str) and "\n" in value else value


def _token(reference: dict[str, Any]) -> str:
    """A reference as in Fn::Sub, without quotation marks that would break JSON around it."""
    ((function, argument),) = reference.items()
    if function == "Fn::GetAtt":
        return f"${{{'.'.join(argument)}}}"
    name = argument if function == "Ref" else f"{function} {json.dumps(argument)}"
    return f"${{{name}}}".replace('"', "'")


def _rows(widgets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A dashboard's widgets with `y` from the widget before: another row does not change all the rows below it."""
    tops = [0, *(widget["y"] for widget in widgets)]
    return [{**widget, "y": widget["y"] - top} for widget, top in zip(widgets, tops, strict=False)]


def expected(value: Any, values: dict[str, Any], others: dict[str, Any]) -> Any:
    """`value` with the other environment's own values for those of its own."""
    if isinstance(value, dict):
        return {
            key: others[key] if key in values and item == values[key] else expected(item, values, others)
            for key, item in value.items()
        }
    return [expected(item, values, others) for item in value] if isinstance(value, list) else value


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Lines of what `after` lacks (-), what only it has (+), and what has another value (before -> after).

    What it lacks is named only, because production's files hold it; what only it has is listed to the last value.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            inner = f"{path}.{key}" if path else key
            if key not in after:
                yield f"- {inner}"
            elif key not in before:
                yield from _values(after[key], inner)
            else:
                yield from differences(before[key], after[key], inner)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _list_differences(before, after, path)
    elif type(before) is not type(after) or before != after:
        old, new = json.dumps(before, ensure_ascii=False), json.dumps(after, ensure_ascii=False)
        line = f"  {path}: {old} -> {new}"
        yield line if len(line) <= MAX_LINE else f"  {path}:\n      {old}\n   -> {new}"


def _list_differences(before: list[Any], after: list[Any], path: str) -> Iterator[str]:
    """Elements with names are compared with their namesakes, the others by place."""
    old, new = [_identity(item) for item in before], [_identity(item) for item in after]
    for kind, i, i_end, j, j_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        is_nameless = not any(map(_name, [*before[i:i_end], *after[j:j_end]]))
        if kind == "equal" or (is_nameless and i_end - i == j_end - j):
            for place in range(i_end - i):
                where = _name(before[i + place]) or i + place
                yield from differences(before[i + place], after[j + place], f"{path}[{where}]")
        else:
            yield from (f"- {path}[{one}]" for one in old[i:i_end])
            for place in range(j, j_end):
                yield from _values(after[place], f"{path}[{place}]")


def _name(item: Any) -> str | None:
    """The name of a list's element, or a widget's title; None: it has none."""
    if not isinstance(item, dict):
        return None
    shown = item.get("properties")
    if isinstance(shown, dict) and ("title" in shown or "markdown" in shown):
        title = shown.get("title") or shown["markdown"]
        return title[0] if isinstance(title, list) else str(title)
    return next((item[key] for key in NAMES if isinstance(item.get(key), str)), None)


def _identity(item: Any) -> str:
    return _name(item) or json.dumps(item, sort_keys=True, ensure_ascii=False)


def _values(value: Any, path: str) -> Iterator[str]:
    """A line for each value in what only one side has."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from _values(value[key], f"{path}.{key}")
    elif isinstance(value, list) and value:
        for place, item in enumerate(value):
            yield from _values(item, f"{path}[{place}]")
    else:
        yield f"+ {path}: {json.dumps(value, ensure_ascii=False)}"


def listing(production: Deployment, other: Deployment) -> str:
    """The differences of `other` from production, with the words and values that were replaced at the top."""
    environments = production.environment, other.environment
    words, others_words = map(own_words, environments)
    values, others_values = map(own_values, environments)
    lines = [f"{key}: {words.get(key)} -> {others_words.get(key)}" for key in words]
    lines += [f"{key}: {values[key]} -> {others_values[key]}" for key in values]
    for layer in LAYERS:
        before = comparable(production.templates[layer], production.environment)
        after = comparable(other.templates[layer], other.environment)
        lines += ["", f"# {layer}", *differences(expected(before, values, others_values), after)]
    return "\n".join(lines) + "\n"
