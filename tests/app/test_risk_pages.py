"""The pages of risk bounds and published claims without a browser: every control, bad input, hostile links."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dpcore.claims import ADJUSTABLE
from tests.page_text import page_text
from ui.claims_live import KNOBS
from ui.loaders import FOLDER_VARIABLE
from ui.risk_setting import FIELDS

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[..., AppTest]


@pytest.fixture
def open_page(open_link: Open) -> Open:
    """Opens either page."""
    return open_link


def _view(app: AppTest) -> str:
    return page_text(app).split('data-view="')[1].split('"')[0]


def test_the_page_opens_and_answers(open_page: Open) -> None:
    app = open_page("risks")
    assert not app.exception
    assert not app.error
    shown = page_text(app)
    assert "it is proven" in shown
    assert shown.count('role="img"') >= 4
    assert 'class="rk-icons"' in shown
    assert "By guessing: 1 in " in shown


def test_typed_numbers_move_the_page_and_the_link(open_page: Open) -> None:
    app = open_page("risks")
    start = before = page_text(app)
    for name, typed, part in (("n", "5000", "5,000 records"), ("batch", "64", "batch 64"), ("epochs", "3", "3 epochs")):
        app.text_input(key=f"risk_field_{name}").set_value(typed).run()
        assert not app.exception
        assert part in page_text(app)
        assert app.query_params[name] == typed
        assert page_text(app) != before
        before = page_text(app)
    for name, typed in (("delta", "1e-6"), ("kappa", "1/100")):
        app.text_input(key=f"risk_field_{name}").set_value(typed).run()
        assert name in app.query_params
        assert page_text(app) != before
        before = page_text(app)
    app.button(key="risk_reset").click().run()
    assert set(app.query_params) == {"data", "eps", "counted"}
    assert page_text(app) == start


def test_bad_input_is_named_and_the_last_good_state_stays(open_page: Open) -> None:
    app = open_page("risks", n="5000")
    before = page_text(app)
    bad = ("", "-1", "nan", "1e400", "<img src=x onerror=alert(1)>")
    for (name, field), typed in zip(FIELDS.items(), bad, strict=True):
        app.text_input(key=f"risk_field_{name}").set_value(typed).run()
        (warning,) = [w.value.replace("\\", "") for w in app.warning]
        assert warning.startswith(f"{field.label} must be {field.rule}, but is ")
        assert "<img" not in app.warning[0].value.replace(r"\<", "")
        assert page_text(app) == before
        assert app.query_params["n"] == "5000"


def test_a_hostile_link_is_ignored_by_name(open_page: Open) -> None:
    app = open_page("risks", n="1e99", batch="<b>", delta="nan", kappa="2", attacker="x", prior="٣", eps="8")
    assert not app.exception
    (warning,) = [w.value for w in app.warning]
    for word in ("Training records N", "Batch", "δ", "κ", "attacker", "prior"):
        assert word in warning
    assert "<b>" not in warning.replace(r"\<b\>", "")
    assert set(app.query_params) == {"data", "eps", "counted"}


def test_a_good_link_is_taken_over(open_page: Open) -> None:
    app = open_page("risks", n="500", batch="500", attacker="relaxed", prior="10", eps="4")
    assert not app.warning
    assert app.text_input(key="risk_field_n").value == "500"
    assert _view(app).startswith("4 ")
    assert _view(app).endswith(" relaxed")
    assert app.slider(key="risk_prior").value == 10
    # Full batches: the attacker whose direction persists is known and shown.
    assert "if the unknown direction stays the same over all steps, the limit is" in page_text(app)


def test_what_the_attacker_knows_moves_the_numbers(open_page: Open) -> None:
    app = open_page("risks")
    worst = page_text(app)
    assert "<strong>Worst case.</strong>" in worst
    app.toggle(key="risk_original").set_value(False).run()
    relaxed = page_text(app)
    assert "<strong>Relaxed.</strong>" in relaxed
    assert app.query_params["attacker"] == "relaxed"
    app.toggle(key="risk_beforehand").set_value(True).run()
    assert "Knowing the image beforehand counts as holding it" in page_text(app)
    assert "attacker" not in app.query_params


def test_a_real_attack_is_measured_not_proven(open_page: Open) -> None:
    app = open_page("risks", attacker="real")
    shown = page_text(app)
    assert "<strong>Realistic.</strong>" in shown
    assert "a better attack may come" in shown


def test_the_reading_check_answers_kindly(open_page: Open) -> None:
    app = open_page("risks")
    question = app.radio(key="risk_quiz_answer")
    assert question.value is None
    question.set_value(question.options[0]).run()
    assert app.success[0].value.startswith("Right.")
    app.radio(key="risk_quiz_answer").set_value(question.options[1]).run()
    assert app.info[0].value.startswith("Not quite")


def test_the_prior_is_in_the_link(open_page: Open) -> None:
    app = open_page("risks")
    app.slider(key="risk_prior").set_value(20).run()
    assert app.query_params["prior"] == "20"
    assert "odds of 1 : 4" in page_text(app)


def test_without_dp_nothing_is_promised(open_page: Open) -> None:
    app = open_page("risks", eps="no-dp")
    assert not app.exception
    shown = page_text(app)
    assert "<strong>nothing is proven</strong>" in shown
    assert "no limit" in shown


@pytest.mark.parametrize("eps", ["0.37", "1e15"])
def test_every_budget_draws(open_page: Open, eps: str) -> None:
    app = open_page("risks", eps=eps, counted="tight")
    assert not app.exception
    assert not app.error
    assert "NaN" not in page_text(app)


def test_numbers_that_do_not_fit_another_dataset_are_set_back(open_page: Open) -> None:
    app = open_page("risks", data="ham10000", batch="2000")
    assert app.query_params["batch"] == "2000"
    app.selectbox(key="bar_dataset").set_value("breast_cancer").run()
    assert not app.exception
    assert "Batch must be at most" in app.warning[0].value.replace("\\", "")
    assert "batch" not in app.query_params


def test_without_results_the_page_says_what_to_do(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    app = open_page("risks")
    assert not app.exception
    assert "python -m dpcore sweep" in app.error[0].value


def test_claims_show_every_verdict(open_page: Open) -> None:
    app = open_page("claims")
    assert not app.exception
    shown = page_text(app)
    for word in ("≠ differs", "✓ holds", "~ depends", "Unresolved", "10.24 %", "13.41 %", "99.995 %", "4,800 kWh"):
        assert word in shown, word


def test_claims_can_be_filtered(open_page: Open) -> None:
    app = open_page("claims")
    whole = page_text(app).count("<tr>")
    app.pills(key="claims_outcomes").set_value(["differs"]).run()
    assert page_text(app).count("<tr>") < whole
    app.pills(key="claims_outcomes").set_value([]).run()
    assert app.info[0].value.startswith("No number has that verdict")


def test_claims_open_without_results(open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    app = open_page("claims")
    assert not app.exception
    assert "not measured" in page_text(app) or "could not be checked" in page_text(app)


def _card(app: AppTest, name: str) -> str:
    (card,) = [element.proto.body for element in app.get("html") if f'data-card="{name}"' in element.proto.body]
    return card


def test_a_card_follows_its_numbers(open_page: Open) -> None:
    app = open_page("claims")
    assert "99.995 %" in _card(app, "odds")
    app.slider(key="claims_odds_prior_percent").set_value(10).run()
    app.text_input(key="claims_odds_epsilon").set_value("2").run()
    assert not app.exception
    assert "45.085 %" in _card(app, "odds")
    assert "At ε = 2 an attacker" in _card(app, "odds")
    app.slider(key="claims_refresh_months").set_value(1).run()
    assert "✓ holds" in _card(app, "refresh")
    app.slider(key="claims_group_images").set_value(1).run()
    assert "✓ holds" in _card(app, "group")
    app.text_input(key="claims_delta_num_train").set_value("1,000,000").run()
    assert "RadImageNet and your own" in _card(app, "delta")


@pytest.mark.parametrize("typed", ["", "abc", "-1", "1e9", "nan", "<img src=x onerror=alert(1)>"])
def test_a_card_keeps_the_last_good_state_and_says_why(open_page: Open, typed: str) -> None:
    app = open_page("claims")
    app.text_input(key="claims_odds_epsilon").set_value("2").run()
    before = _card(app, "odds")
    app.text_input(key="claims_odds_epsilon").set_value(typed).run()
    assert not app.exception
    (warning,) = [w.value.replace("\\", "") for w in app.warning]
    assert warning.startswith("ε must be a number from 0.01 to 100, but is ")
    assert warning.endswith("Still shown: Sure before, % = 50, ε = 2.")
    assert _card(app, "odds") == before
    app.text_input(key="claims_odds_epsilon").set_value("3").run()
    assert not app.warning
    assert "At ε = 3 an attacker" in _card(app, "odds")


def test_card_limits_are_those_that_the_calculation_bears() -> None:
    for name, knobs in KNOBS.items():
        for knob in knobs:
            for end in (knob.field.low, knob.field.high):
                card = ADJUSTABLE[name](**{knob.field.name: end})
                assert not any("nan" in value or "inf" in value for _, value in card.lines), (name, end)
