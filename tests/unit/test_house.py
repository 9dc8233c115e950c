"""The project's structure: sizes, names and folders of its modules, and documents whose links resolve."""

import ast
import re
import subprocess
from collections import defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60
PACKAGED = ("constructs", "rehearsal", "ops_lambdas")
FILES_OF_A_CHECK = ("__init__.py", "settings.py", "core.py", "report.py", "handler.py")
DECISION = re.compile(r"# (\d+)\. (.+)\n\n\*\*Status\.\*\* (\w+), (\d{4}-\d\d-\d\d)\.\n")
ROW = re.compile(r"^\| (\d+) \| \[(.+)\]\((\d{4}-[a-z0-9-]+\.md)\) \| (\w+) \| (\d{4}-\d\d-\d\d) \|$", re.MULTILINE)


def _tracked(*patterns: str) -> list[Path]:
    """Files of ours, without those that are deleted but not committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return sorted(path for path in map(Path, listed) if (ROOT / path).is_file())


MODULES = _tracked("*.py")
DOCUMENTS = _tracked("*.md")
FUNCTIONS = sorted({path.parent for path in MODULES if path.match("ops_lambdas/*/*.py")} - {Path("ops_lambdas/shared")})
CHECKS = [folder for folder in FUNCTIONS if folder / "function.py" not in MODULES]  # the others run when AWS asks


@cache
def _source(path: Path) -> str:
    return (ROOT / path).read_text()


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(_source(path))


def _is_table(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """It only returns, yields or assigns one list, tuple, dict or set that is written out; never a constructor."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    if len(body) != 1 or function.name == "__init__":
        return False
    value = getattr(body[0], "value", None)  # of a return, an assignment or an expression
    if isinstance(value, ast.Yield | ast.YieldFrom):
        value = value.value
    return isinstance(value, ast.List | ast.Tuple | ast.Dict | ast.Set)


def _long(tree: ast.Module) -> dict[str, int]:
    """Lines of each function that has too many, without its decorators, by its name and first line."""
    lengths = {
        f"{node.name} (line {node.lineno})": (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_table(node)
    }
    return {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES}


def test_modules_are_short() -> None:
    lengths = {path: len(_source(path).splitlines()) for path in MODULES}
    long = [f"{path} has {lines} lines" for path, lines in lengths.items() if lines > MAX_FILE_LINES]
    assert not long, f"at most {MAX_FILE_LINES} are allowed:\n" + "\n".join(long)


def test_functions_are_short() -> None:
    long = [f"{path}: {one} has {lines} lines" for path in MODULES for one, lines in _long(_tree(path)).items()]
    assert not long, f"at most {MAX_FUNCTION_LINES} are allowed:\n" + "\n".join(long)


@pytest.mark.parametrize(
    ("source", "is_too_long"),
    [
        ("def f():\n    return [\n{}    ]", False),
        ('def f():\n    """A table."""\n    return {{\n{}    }}', False),
        ("def f():\n    yield from (\n{}    )", False),
        ("def f():\n    table = [\n{}    ]", False),
        ("def f():\n    table = [\n{}    ]\n    return table", True),
        ("class C:\n    def __init__(self):\n        self.table = [\n{}    ]", True),
        ("def f():\n    return g(\n{}    )", True),
    ],
)
def test_only_a_table_may_be_long(source: str, *, is_too_long: bool) -> None:
    rows = "".join(f"        {n}: g({n}),\n" if "{{" in source else f"        g({n}),\n" for n in range(60))
    assert bool(_long(ast.parse(source.format(rows)))) is is_too_long


def test_a_package_says_what_it_is() -> None:
    folders = {folder for path in MODULES if path.parts[0] in PACKAGED for folder in path.parents[:-1]}
    folders.remove(Path("constructs"))
    docstrings = {path: ast.get_docstring(_tree(path)) or "" for path in MODULES if path.name == "__init__.py"}
    for path in sorted(folder / "__init__.py" for folder in folders):
        assert path in docstrings, f"{path} is missing"
        assert re.match(r"[A-Z].+\.(\n|$)", docstrings[path]), (
            f"the docstring of {path} has no first line that describes it"
        )


def test_constructs_is_no_package() -> None:
    path = Path("constructs/__init__.py")
    assert path not in MODULES, f"{path} would hide the library of the same name"


def test_no_two_modules_have_one_name() -> None:
    """But the functions' own files, which have the same names in each, and modules named for a check."""
    allowed = {"__init__", "__main__", *(check.name for check in CHECKS)}
    named = defaultdict(list)
    for path in MODULES:
        if path.parts[0] != "tests" and path.parent not in FUNCTIONS and path.stem not in allowed:
            named[path.stem].append(str(path))
    found = {stem: paths for stem, paths in named.items() if len(paths) > 1}
    lines = "\n".join(
        f"{stem}: {len(paths)} modules, 1 is allowed: {', '.join(paths)}" for stem, paths in found.items()
    )
    assert not found, lines


def test_every_check_has_the_same_files() -> None:
    needed = [check / name for check in CHECKS for name in FILES_OF_A_CHECK]
    needed += [Path("constructs/checks", f"{check.name}.py") for check in CHECKS]
    needed += [Path("tests/unit", f"test_{check.name}.py") for check in CHECKS]
    missing = [str(path) for path in needed if path not in MODULES]
    assert not missing, f"missing, see docs/how-to/add-a-check.md: {', '.join(missing)}"


def _tokens(path: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(_source(path))


@cache
def _anchors(path: Path) -> frozenset[str]:
    """Anchors of a document's headings, by GitHub's rule."""
    tokens = _tokens(path)
    titles = [after.content for one, after in pairwise(tokens) if one.type == "heading_open"]
    return frozenset(re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles)


def _links(path: Path) -> set[str]:
    """Where a document links to, but not outside the project."""
    children = [child for token in _tokens(path) for child in token.children or ()]
    targets = {str(child.attrGet("href") or child.attrGet("src") or "") for child in children}
    return {target for target in targets if target and not re.match(r"[a-z]+:", target)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_links_lead_somewhere(path: Path) -> None:
    for link in _links(path):
        name, _, anchor = link.partition("#")
        target = (ROOT / path.parent / name).resolve() if name else ROOT / path
        assert target.exists(), f"{path} links to {link}, which does not exist"
        if anchor:
            assert anchor in _anchors(target.relative_to(ROOT)), f"{path} links to {link}, which has no such heading"


def test_every_decision_is_in_the_index() -> None:
    folder = Path("docs/decisions")
    decisions = [path for path in DOCUMENTS if path.parent == folder and path.name != "README.md"]
    rows = {
        name: (number, title, status, date)
        for number, title, name, status, date in ROW.findall(_source(folder / "README.md"))
    }
    for path in decisions:
        head = DECISION.match(_source(path))
        assert head, f"{path} does not begin with number, title, status and date"
        number, title, status, date = head.groups()
        assert path.name.startswith(f"{int(number):04}-"), path
        assert rows.get(path.name) == (number, title.replace("|", "\\|"), status.lower(), date), path
    assert len(rows) == len(decisions)


def test_no_command_for_an_operator_needs_gnu_date_or_the_old_aws_cli() -> None:
    documents = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "constructs").rglob("*.py")]
    found = [
        str(path.relative_to(ROOT))
        for path in documents
        if "date -d" in path.read_text() or "filter-log-events" in path.read_text()
    ]
    assert found == []
