"""Snapshots of what is deployed, so that a review shows every change of it.

Production's home region is kept in full, in one file. Every other deployment is kept as its differences from it,
one file each, with placeholders for its own words: a change that is the same everywhere is in production's file only.
"""

from dataclasses import replace
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from config import PRODUCTION, STAGING
from names import LAYERS
from tests.infra.conftest import Deployment
from tests.infra.differences import comparable, differences, listing, masked, unfolded

OTHERS = {
    "staging": ("staging", "us-east-1"),
    "development": ("development", "us-east-1"),
    "rehearsal": ("rehearsal", "us-east-1"),
    "production-recovery": ("production", "us-west-2"),
}
ACCEPT = "the templates have changed; `make snapshots` accepts them, for a review to read"


class TextSnapshotExtension(SingleFileSnapshotExtension):
    """A text file for each snapshot."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


def test_production_is_as_reviewed(production: Deployment, snapshot: SnapshotAssertion) -> None:
    assert set(production.templates) == set(LAYERS)
    assert masked(production.templates) == snapshot(extension_class=JSONSnapshotExtension), ACCEPT


@pytest.mark.parametrize("place", OTHERS.values(), ids=OTHERS.keys())
def test_differences_are_as_reviewed(
    deployments: dict[tuple[str, str], Deployment],
    production: Deployment,
    place: tuple[str, str],
    snapshot: SnapshotAssertion,
) -> None:
    other = deployments[place]
    assert set(other.templates) == set(LAYERS)
    assert listing(production, other) == snapshot(extension_class=TextSnapshotExtension), ACCEPT


def test_every_environment_is_kept(deployments: dict[tuple[str, str], Deployment]) -> None:
    home = {(name, deployment.environment.home_region) for (name, _), deployment in deployments.items()}
    recovery = ("production", PRODUCTION.recovery_region)
    kept = {*OTHERS.values(), ("production", PRODUCTION.home_region)}
    assert kept == {*home, recovery}, f"OTHERS must have every environment, see {kept ^ {*home, recovery}}"


RULE = {"Type": "AWS::Events::Rule", "Properties": {"Name": "one", "State": "ENABLED"}}


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ({"A": RULE}, {"A": RULE}, []),
        ({"A": {"P": {"Q": 1}}}, {"A": {"P": {"Q": 2}}}, ["  A.P.Q: 1 -> 2"]),
        ({"A": 1}, {"A": True}, ["  A: 1 -> true"]),
        ({"A": 1}, {"A": {"B": []}}, ['  A: 1 -> {"B": []}']),
        ({"A": RULE, "B": RULE}, {"A": RULE}, ["- B"]),
        (
            {},
            {"B": RULE},
            ['+ B.Properties.Name: "one"', '+ B.Properties.State: "ENABLED"', '+ B.Type: "AWS::Events::Rule"'],
        ),
        ({"L": ["a", "b", "c"]}, {"L": ["a", "c"]}, ['- L["b"]']),
        ({"L": ["a", "c"]}, {"L": ["a", "b", "c"]}, ['+ L[1]: "b"']),
        ({"L": ["a", "b"]}, {"L": ["a", "x"]}, ['  L[1]: "b" -> "x"']),
        ({"L": ["a", "b"]}, {"L": ["b", "a"]}, ['+ L[0]: "b"', '- L["b"]']),
        ({"L": [{"Key": "k", "Value": 1}]}, {"L": [{"Key": "k", "Value": 2}]}, ["  L[k].Value: 1 -> 2"]),
        ({"L": [{"Id": "a"}, {"Id": "b"}]}, {"L": [{"Id": "b"}, {"Id": "c"}]}, ["- L[a]", '+ L[1].Id: "c"']),
        ({"L": []}, {"L": [{}]}, ["+ L[0]: {}"]),
    ],
)
def test_every_difference_is_a_line(before: Any, after: Any, lines: list[str]) -> None:
    assert list(differences(before, after)) == lines


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ('{"a": {"b": 1}}', '{"a": {"b": 2}}', ["  S.a.b: 1 -> 2"]),
        ("one\ntwo\nthree", "one\n2\nthree", ['  S[1]: "two" -> "2"']),
        (
            {"Fn::Join": ["", ['{"a": "', {"Ref": "X"}, '", "b": 1}']]},
            {"Fn::Join": ["", ['{"a": "', {"Fn::GetAtt": ["X", "Arn"]}, '", "b": 1}']]},
            ['  S.a: "${X}" -> "${X.Arn}"'],
        ),
        ({"Ref": "X"}, {"Ref": "Y"}, ['  S: "${X}" -> "${Y}"']),
    ],
)
def test_strings_are_compared_by_what_is_in_them(before: Any, after: Any, lines: list[str]) -> None:
    assert list(differences(unfolded({"S": before}), unfolded({"S": after}))) == lines


def test_a_row_more_on_a_dashboard_moves_no_other() -> None:
    before, after = (
        {"widgets": [{"y": y, "properties": {"title": title}} for title, y in zip("abc", tops, strict=True)]}
        for tops in ((0, 6, 12), (0, 7, 13))
    )
    assert list(differences(unfolded(before), unfolded(after))) == ["  widgets[b].y: 6 -> 7"]


def test_names_of_an_environment_are_no_difference() -> None:
    name = "arn:aws:sns:{region}:640080112933:pardon-{name}-alarms pardon{name}dataNetwork0A1B2C3D5432{end}"
    texts = [
        comparable(name.format(region=one.region, name=one.name, end=end), one)
        for one, end in ((PRODUCTION, "FEDCBA98"), (replace(STAGING, region="eu-west-1"), "01234567"))
    ]
    assert texts == ["arn:aws:sns:<region>:<account>:<prefix>-alarms <prefix>dataNetwork<hash>5432"] * 2
    assert comparable("pardon-production", STAGING) == "pardon-production"
