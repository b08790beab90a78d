"""Whatever is typed or linked within the limits makes a training with a bound; whatever is not is refused by name."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from dpcore.errors import InvalidValue
from ui.epsilon import LARGEST, SMALLEST
from ui.evidence import Point
from ui.fields import Field, format_value
from ui.risk_proof import prove
from ui.risk_setting import FIELDS, MOST_STEPS, apply, fitting, read_overrides

POINT = Point(
    target_epsilon=8.0, epsilon_tight=7.4, noise_multiplier=1.4, delta=8e-7, sample_rate=1024 / 7509, steps=147,
    num_train=7509, kappa=1 / 7509, seeds=5, utility_mean=0.2, utility_sd=0.01, auc_mean=0.8,
    dice_tumour_mean=math.nan, share_of_no_dp=0.5,
    p_ttest=0.01, p_tost=0.9, tost_margin=0.05, worst_case=0.01, relaxed=0.001,
)  # fmt: skip


def _values(field: Field) -> st.SearchStrategy[float]:
    """Values within the field's own limits, evenly in their logarithm."""
    logs = st.floats(math.log(field.low), math.log(field.high))
    rounded = logs.map(lambda x: min(max(math.exp(x), field.low), field.high))
    return rounded.map(lambda x: float(round(x))) if field.whole else rounded


OVERRIDES = st.fixed_dictionaries({}, optional={name: _values(field) for name, field in FIELDS.items()})


@given(OVERRIDES)
def test_numbers_within_the_limits_are_taken_or_refused_by_name(overrides: dict[str, float]) -> None:
    kept, problems = fitting(overrides, POINT)
    setting = apply(kept, POINT)
    assert 0 < setting.sample_rate <= 1
    assert 1 <= setting.steps <= MOST_STEPS
    assert 1e-8 <= setting.kappa <= 1
    assert all(problem.endswith(".") and "must be at most" in problem for problem in problems)


@given(st.sampled_from(list(FIELDS.values())).flatmap(lambda f: st.tuples(st.just(f), _values(f))))
def test_a_value_within_the_limits_survives_a_link(case: tuple[Field, float]) -> None:
    field, value = case
    assert field.parse(format_value(value, field, link=True)) == value


@given(st.dictionaries(st.sampled_from(list(FIELDS)), st.lists(st.text(max_size=50), max_size=3)))
def test_no_link_breaks_the_page(sent: dict[str, list[str]]) -> None:
    kept, problems = read_overrides(sent, POINT)
    apply(kept, POINT)
    assert all(problem.startswith("In the link: ") for problem in problems)


@given(st.sampled_from(list(FIELDS.values())), st.text(max_size=60))
def test_any_text_is_a_number_within_the_limits_or_refused(field: Field, text: str) -> None:
    value, refusal = None, ""
    try:
        value = field.parse(text)
    except InvalidValue as error:
        refusal = str(error)
    if value is None:
        assert refusal.startswith(f"{field.label} must be {field.rule}")
    else:
        assert field.low <= value <= field.high


@settings(max_examples=30)
@given(OVERRIDES, st.floats(math.log10(SMALLEST), math.log10(LARGEST)))
def test_every_training_within_the_limits_has_a_bound(overrides: dict[str, float], log_epsilon: float) -> None:
    setting = apply(fitting(overrides, POINT)[0], POINT)
    proof = prove((setting.sample_rate, setting.steps, setting.delta), 10**log_epsilon, "rdp", None)
    assert not proof.problem
    assert proof.worst_case is not None
    assert proof.relaxed is not None
    assert proof.epsilon_rdp <= 10**log_epsilon * (1 + 1e-9)
    worst, relaxed = (float(curve.gamma(setting.kappa)) for curve in (proof.worst_case, proof.relaxed))
    # Both curves carry their own estimated error.
    slack = 1 + 10 * (proof.worst_case.error + proof.relaxed.error) + 1e-6
    assert setting.kappa <= worst * slack
    assert relaxed <= worst * slack
    assert worst <= 1
