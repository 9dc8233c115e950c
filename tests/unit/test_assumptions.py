"""docs/assumptions.md: each assumption has its source, and what settles it."""

import re
from pathlib import Path

import pytest

ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in Path("docs/assumptions.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| assumption"))
]

# Of the rows of verify's table.
AREAS = {
    area
    for path in Path("procedures/verify").glob("*.py")
    for area in re.findall(r'area="([a-z ]+)"', path.read_text())
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_assumption_has_a_source_and_what_settles_it(row: list[str]) -> None:
    assert len(row) == 3, row
    _, source, settled_by = row
    assert re.fullmatch(r"\[[^]]+\]\(https://\S+\)", source), source
    assert re.search(r"`(make|aws|docker|dig) [^`]+`", settled_by), settled_by
    if "`make verify" in settled_by:
        named = re.findall(r"\*([a-z ]+)\*", settled_by)
        assert named, f"{settled_by} must name the area of verify's table"
        assert set(named) <= AREAS, f"verify has {sorted(AREAS)}"


def test_there_are_assumptions() -> None:
    assert len(ROWS) > 10
