"""The cost report's emails, as their readers see them."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from ops_lambdas.cost_report import email_text
from ops_lambdas.cost_report.core import Band, Costs, Forecast, Report, periods
from ops_lambdas.cost_report.email_text import Email, Form
from ops_lambdas.cost_report.explorer import TagState
from ops_lambdas.cost_report.findings import Comparison, CouldGo, Saving, ServicePrice
from tests.unit.test_cost_report import DAYS, ECS, NOVEMBER, RDS, TODAY, costs, report

COULD_GO = CouldGo((Saving("volumes attached to nothing (2, 40.0 GB): vol-1, vol-2", 3.2),), ("the images: late",))
FORMS: tuple[Form, ...] = ("short", "long")
LIST_PRICES = {ECS: Decimal("195.14"), RDS: Decimal(60), "Amazon Elastic Load Balancing": Decimal("12.40")}


def compared(made: Report) -> Comparison:
    """Three services of the list, at three tasks; others on the bill are not deployed."""
    if made.costs.currency != "USD":
        return Comparison(why_not="list prices are in USD")
    items = {
        ECS: (("Fargate vCPU", Decimal("177.30")), ("Fargate memory", Decimal("77.88"))),
        RDS: (("db.t4g.medium", Decimal("47.45")),),
    }
    names = dict.fromkeys((*(one.service for one in made.services), *LIST_PRICES))
    costs, zero = made.costs.by_service, Decimal(0)
    services = [(name, costs.get(name, zero), LIST_PRICES.get(name, zero)) for name in names]
    return Comparison(
        3,
        tuple(
            ServicePrice(name, cost, price, cost - price > Decimal(5) + price / 5, items.get(name, ()))
            for name, cost, price in services
        ),
        (("Fargate vCPU", Decimal("177.30")), ("Multi-AZ", Decimal("94.90"))),
    )


AMOUNTS = st.dictionaries(st.text(max_size=5), st.decimals(-10_000, 10_000, places=6), max_size=8)


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
    email = Email("production", made, compared(made), CouldGo(), Decimal(730))
    subject = email.subject()
    assert subject.isascii()
    assert subject.isprintable()
    assert 0 < len(subject) <= 100
    for form in FORMS:
        text = email.text(form, metric="UnblendedCost", scope="All.")
        assert f"{made.costs.total:,.2f}".replace("-0.00", "0.00") in text


def email(made: Report, form: Form, tag: TagState = "active") -> str:
    scope = email_text.scope(tag, "Environment", "production")
    comparison = (
        compared(made) if tag == "active" else Comparison(why_not="these are not only this environment's costs")
    )
    of = Email("production", made, comparison, COULD_GO, Decimal(480))
    return f"Subject: {of.subject()}\n\n{of.text(form, metric='UnblendedCost', scope=scope)}"


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
def test_emails_are_as_reviewed(made: Report, form: Form, tag: TagState, snapshot: SnapshotAssertion) -> None:
    assert email(made, form, tag) == snapshot


def test_no_data_is_not_reported_as_zero(snapshot: SnapshotAssertion) -> None:
    text = email_text.no_data_text(
        "production", TODAY.reported, scope=email_text.scope("inactive", "Environment", "production")
    )
    assert f"Subject: {email_text.no_data_subject('production')}\n\n{text}" == snapshot


def test_a_long_subject_is_cut_and_other_characters_replaced() -> None:
    band = Band("Täglich\n" + "x" * 200, Decimal(0), Decimal(1))
    made = report(Costs("USD", {band.service: Decimal(20)}), bands=[band])
    subject = Email("production", made, compared(made), CouldGo(), None).subject()
    assert subject.endswith("...")
    assert "T?glich?x" in subject
    assert len(subject) == 100
