"""The cost report's emails, as their readers see them."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from ops_lambdas.cost_report import email_text
from ops_lambdas.cost_report.core import Band, Costs, Forecast, Report, periods
from ops_lambdas.cost_report.explorer import TagState
from tests.unit.test_cost_report import DAYS, ECS, NOVEMBER, RDS, TODAY, costs, report

AMOUNTS = st.dictionaries(st.text(max_size=5), st.decimals(-10_000, 10_000, places=6), max_size=8)


@settings(deadline=None)
@given(today=st.sampled_from(DAYS), now=AMOUNTS, before=st.none() | AMOUNTS, rest=st.decimals(-10, 9_999, places=4))
def test_every_report_adds_up_and_can_be_sent(
    today: date, now: dict[str, Decimal], before: dict[str, Decimal] | None, rest: Decimal
) -> None:
    at = periods(today)
    made = report(
        Costs("USD", now),
        None if before is None else Costs("USD", before),
        at=at,
        forecast=Forecast("forecast", rest) if at.forecast else Forecast("month_complete"),
    )
    assert sum(one.cost for one in made.services) == made.costs.total
    if made.change and before is not None:
        assert made.change.amount == sum(one.change.amount for one in made.services if one.change)
    subject = email_text.subject("production", made)
    assert subject.isascii()
    assert subject.isprintable()
    assert 0 < len(subject) <= 100
    for form in ("short", "long"):
        text = email_text.text("production", made, form=form, metric="UnblendedCost", scope="All.")
        assert f"{made.costs.total:,.2f}".replace("-0.00", "0.00") in text


def email(made: Report, form: email_text.Form, tag: TagState = "active") -> str:
    scope = email_text.scope(tag, "Environment", "production")
    text = email_text.text("production", made, form=form, metric="UnblendedCost", scope=scope)
    return f"Subject: {email_text.subject('production', made)}\n\n{text}"


HISTORY = tuple((date(2026, month, 1), Decimal(month * 100)) for month in range(5, 11))
ESTIMATED = Costs("USD", NOVEMBER.by_service, is_estimated=True)
LOW = costs(**{ECS.replace(" ", "_"): "30", RDS.replace(" ", "_"): "61.5"})


@pytest.mark.parametrize(
    ("made", "form", "tag"),
    [
        (report(ESTIMATED), "short", "active"),
        (report(ESTIMATED, history=HISTORY), "long", "active"),
        (report(LOW, LOW, forecast=Forecast("too_little_history")), "short", "inactive"),
        (report(LOW, None, at=periods(date(2027, 1, 1)), forecast=Forecast("month_complete")), "long", "unknown"),
        (report(LOW, costs(x="90"), at=periods(date(2026, 3, 31))), "short", "active"),
        (report(costs("EUR", x="-12.5"), costs("EUR", x="-20")), "short", "active"),
        (report(costs(x="0"), costs(x="0"), at=periods(date(2026, 11, 2)), bands=()), "short", "active"),
    ],
    ids=["above", "long", "low-untagged", "whole-month", "after-february", "credits-in-euro", "first-day-of-zero"],
)
def test_emails_are_as_reviewed(
    made: Report, form: email_text.Form, tag: TagState, snapshot: SnapshotAssertion
) -> None:
    assert email(made, form, tag) == snapshot


def test_no_data_is_not_reported_as_zero(snapshot: SnapshotAssertion) -> None:
    text = email_text.no_data_text(
        "production", TODAY.reported, scope=email_text.scope("inactive", "Environment", "production")
    )
    assert f"Subject: {email_text.no_data_subject('production')}\n\n{text}" == snapshot


def test_a_long_subject_is_cut_and_other_characters_replaced() -> None:
    band = Band("Täglich\n" + "x" * 200, Decimal(0), Decimal(1))
    subject = email_text.subject("production", report(Costs("USD", {band.service: Decimal(2)}), bands=[band]))
    assert subject.endswith("...")
    assert "T?glich?x" in subject
    assert len(subject) == 100
