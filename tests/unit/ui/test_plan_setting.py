"""The planner's fields, limits and drawings: what is typed, what it means, what is refused."""

from __future__ import annotations

import math

import pytest

from dpcore.errors import InvalidValue
from dpcore.planner import Allowed, Feasible, Limit, Setting
from ui.plan_band import band_html
from ui.plan_limits import LIMITS, parse_share, show_share
from ui.plan_setting import (
    FIELDS,
    Base,
    fitting,
    in_words,
    make_plan,
    make_setting,
    overrides_of,
    read_overrides,
)
from ui.plan_state import PlanView, link_parameters, read_link

BASE = Base(dataset="skin_phantom", num_train=6000, expected_batch_size=1024, epochs=20, delta=1e-5)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1 in 1,000", 1e-3), ("1/1000", 1e-3), ("0.1 %", 1e-3), ("0.001", 1e-3), ("90%", 0.9), ("0 %", 0.0), ("0", 0.0)],
)
def test_shares_are_typed_as_people_write_them(text: str, value: float) -> None:
    assert parse_share("Limit", text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("text", ["", "nan", "inf", "-1", "1 in 0", "many", "1 in 2 in 3", "9" * 50, "<b>"])
def test_other_shares_are_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"^Limit must be a share such as"):
        parse_share("Limit", text)


def test_a_limit_out_of_range_is_refused_in_the_pages_words() -> None:
    with pytest.raises(InvalidValue, match=r"^Worst-case reconstruction of a record ≤ must .*but is 1\.5"):
        LIMITS["rec"].parse("150 %")


@pytest.mark.parametrize("value", [0.001, 0.125, 0.9, 1 / 3, 0.0])
def test_a_shown_share_is_read_back_the_same(value: float) -> None:
    assert parse_share("x", show_share(value)) == pytest.approx(value, rel=1e-11)


def test_the_example_people_can_be_typed() -> None:
    overrides = {"n": 4000.0, "patients": 1500.0, "epochs": 60.0}
    setting = make_setting(overrides, BASE, "rdp")
    assert (setting.num_train, setting.patients, setting.num_steps) == (4000, 1500, round(60 * 4000 / 1024))
    # The mean, 2.67, rounded up: fewer cannot be.
    assert setting.images_per_patient == 3


def test_an_untouched_plan_is_the_sweeps_and_a_batch_fits_few_records() -> None:
    assert fitting({"n": 6000.0, "epochs": 20.0, "patients": math.nan}, BASE) == ({}, [])
    assert make_setting({"n": 500.0}, BASE, "rdp").expected_batch_size == 500


def test_what_breaks_a_rule_is_named_as_on_the_page() -> None:
    kept, problems = fitting({"n": 500.0, "batch": 1000.0}, BASE)
    assert kept == {}
    assert problems == ["Batch must be at most the 500 training records, but is 1,000."]
    assert "expected_batch_size" not in in_words("expected_batch_size must be …")


@pytest.mark.parametrize(
    ("name", "text"), [("n", "1"), ("n", "2.5"), ("delta", "0"), ("delta", "nan"), ("batch", ""), ("looks", "-3")]
)
def test_bad_numbers_are_refused(name: str, text: str) -> None:
    with pytest.raises(InvalidValue, match="must be a"):
        FIELDS[name].parse(text)


def test_sigma_decides_and_without_dp_there_is_no_plan() -> None:
    plan = make_plan({"sigma": 2.0}, BASE, epsilon=8.0, counted="rdp", name="x")
    assert plan is not None
    assert (plan.noise_multiplier, plan.epsilon) == (2.0, None)
    assert make_plan({}, BASE, epsilon=math.inf, counted="rdp", name="x") is None


def test_a_proposed_setting_is_taken_over_whole() -> None:
    proposed = Setting(
        num_train=12_000, num_patients=4500, images_per_patient=3, expected_batch_size=2048, steps=77, delta=1e-5
    )
    taken = make_setting(overrides_of(proposed, BASE, {}), BASE, "rdp")
    for name in ("num_train", "num_patients", "images_per_patient", "expected_batch_size", "num_steps"):
        assert getattr(taken, name) == getattr(proposed, name)


def test_the_link_carries_the_view_and_refuses_the_rest() -> None:
    plan = make_plan({}, BASE, epsilon=8.0, counted="rdp", name="A & B")
    assert plan is not None
    view = PlanView(overrides={"n": 4000.0, "steps": 77.0}, limits={"adv": 0.1, "attack": 0.0}, compared=(plan,))
    link = {name: [value] for name, value in link_parameters(view).items()}
    assert read_link(link, PlanView(), BASE) == (view, [])
    none = link_parameters(PlanView(limits={}))
    assert none == {"limits": "none"}
    assert read_link({"limits": ["none"]}, PlanView(), BASE)[0].limits == {}


@pytest.mark.parametrize(
    "plans", ["[", "[[[[[[[[[[[[]]]]]]]]]]]]", "[1]", "[]", '[{"name":"a"}]', "x" * 5000, '[],"hash":"x"']
)
def test_hostile_plans_in_a_link_are_refused_in_one_sentence(plans: str) -> None:
    view, problems = read_link({"plans": [plans]}, PlanView(), BASE)
    assert view == PlanView()
    assert len(problems) == 1
    assert problems[0].startswith("In the link: ")


def test_epochs_and_steps_together_are_refused() -> None:
    found, problems = read_overrides({"epochs": ["10"], "steps": ["20"]})
    assert found == {"epochs": 10.0}
    assert "exactly one of epochs and steps" in problems[0]


def test_the_band_escapes_and_marks_the_range() -> None:
    limit = Limit(kind="reconstruction", value=0.001)
    allowed = Allowed(limit=limit, noise_low=5.0, noise_high=math.inf, epsilon_low=0.0, epsilon_high=1.6)
    setting = make_setting({}, BASE, "rdp")
    found = Feasible(
        setting=setting,
        limits=(limit,),
        noise_low=5.0,
        noise_high=math.inf,
        epsilon_low=0.0,
        epsilon_high=1.6,
        binding=limit,
        binding_above=None,
        allowed=(allowed,),
    )
    drawn = band_html(found, epsilon=8.0)
    assert "all together: ε up to 1.6; this plan has ε = 8" in drawn
    assert drawn.count("pl-risk") == drawn.count("pl-shade") == 1
    assert "this plan" not in band_html(found, epsilon=math.inf)
