"""What a visitor changes on the page of risk bounds: the training's numbers, what the attacker knows, a belief."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from ui import loaders, risk_loaders, risk_state, state
from ui.controls import control_bar
from ui.evidence import Point
from ui.field_row import number_fields
from ui.finding import Finding
from ui.numbers import format_count
from ui.risk_proof import RiskProof
from ui.risk_setting import FIELDS, Setting
from ui.risk_state import DEFAULT_PRIOR, PRIOR_LIMITS, RiskView
from ui.text import plain

_FIELD = "risk_field_"
_ORIGINAL, _BEFOREHAND, _REBUILDS, _PRIOR = "risk_original", "risk_beforehand", "risk_rebuilds", "risk_prior"
_PERFECTLY, _REALLY = "perfectly", "as real attacks do"


@dataclass(frozen=True, kw_only=True)
class Risk:
    """Everything this page shows."""

    finding: Finding
    view: RiskView
    setting: Setting
    proof: RiskProof


def risk_bar() -> Risk:
    """Shows the control bar with σ of the visitor's own training; raises ResultsUnavailable."""
    sent = risk_state.LINK.sent()
    found: list[Risk] = []

    def noise_of(finding: Finding) -> float:
        point = _point(finding)
        view = risk_state.current(sent, point)
        setting = risk_state.setting(view, point)
        found.append(Risk(finding=finding, view=view, setting=setting, proof=_proof(finding, setting)))
        return found[-1].proof.noise_multiplier

    control_bar(noise_of=noise_of)
    risk_state.LINK.write(risk_state.link_parameters(found[-1].view))
    return found[-1]


def training_numbers(risk: Risk) -> None:
    """Offers N, batch, epochs, δ and κ to change, and a way back."""
    setting = risk.setting
    refused = risk_state.LINK.notice()
    # Its label never changes: a new one would be a new expander, and the typed field would lose its focus.
    is_open = bool(risk.view.overrides) or bool(refused)
    with st.expander("Change the training: records, batch, epochs, δ, κ", expanded=is_open, icon=":material/tune:"):
        texts = {name: field.show(setting.value(name)) for name, field in FIELDS.items()}
        with st.container(key="risk_fields"):
            number_fields(FIELDS.values(), texts, prefix=_FIELD, keep_typed=bool(refused), take=_take_field)
            st.button(
                "Reset",
                key="risk_reset",
                on_click=_reset,
                disabled=not risk.view.overrides and not refused,
                icon=":material/undo:",
                help="Back to the training that was measured.",
            )
        if refused:
            st.warning(plain(refused), icon=":material/info:")


def attacker_facts(risk: Risk) -> None:
    """Offers what the attacker knows and can do, as in the paper's Table 1; a choice moves all numbers below."""
    attacker = risk.view.attacker
    worst = attacker == "worst"
    knows = bool(st.session_state.get(_ORIGINAL)) or bool(st.session_state.get(_BEFOREHAND))
    if _ORIGINAL not in st.session_state or knows != worst:
        st.session_state[_ORIGINAL] = worst
        st.session_state[_BEFOREHAND] = False
    wanted = _REALLY if attacker == "real" else _PERFECTLY
    rebuilds = st.session_state.get(_REBUILDS)
    if rebuilds is None or (not worst and rebuilds != wanted):
        st.session_state[_REBUILDS] = wanted
    noun = risk.finding.evidence.spec.record_noun
    with st.container(key="risk_facts"):
        st.toggle(f"holds the original {noun}", key=_ORIGINAL, on_change=_take_facts)
        st.toggle("knew it beforehand", key=_BEFOREHAND, on_change=_take_facts)
        st.segmented_control(
            "rebuilds it",
            [_PERFECTLY, _REALLY],
            required=True,
            key=_REBUILDS,
            disabled=worst,
            on_change=_take_facts,
        )


def prior_slider(risk: Risk) -> None:
    """Offers what the attacker believed before."""
    if st.session_state.get(_PRIOR) != risk.view.prior:
        st.session_state[_PRIOR] = risk.view.prior
    low, high = PRIOR_LIMITS
    st.slider(
        "How sure was the attacker beforehand that you took part?",
        low,
        high,
        key=_PRIOR,
        format="%d %%",
        on_change=_take_prior,
    )


def training_words(setting: Setting) -> str:
    """Returns the training in one line."""
    records, batch = format_count(setting.num_train), format_count(setting.expected_batch_size)
    epochs, steps = format_count(setting.epochs), format_count(setting.steps)
    rate, delta = f"{100 * setting.sample_rate:.3g} %", FIELDS["delta"].show(setting.delta)
    whose = "The measured training" if setting.is_measured else "Your training, not measured"
    return (
        f"{whose}: {records} records, batch {batch}, {epochs} epochs → {steps} steps, each with a random {rate} of the "
        f"records (q), δ = {delta}."
    )


def _point(finding: Finding) -> Point:
    """Where N, batch, epochs, δ and κ of the measured training stand."""
    return finding.evidence.measured[0]


def _proof(finding: Finding, setting: Setting) -> RiskProof:
    scheme = (setting.sample_rate, setting.steps, setting.delta)
    same_noise = {"kappa"} >= set(risk_state.LINK.shown().overrides)
    at_point = finding.is_measured and not finding.is_no_dp and same_noise
    # At a point of the sweep, the very noise it was trained with, as on the start page.
    noise = finding.nearest.noise_multiplier if at_point else None
    return risk_loaders.proof(scheme, finding.epsilon, finding.counted, noise)


def _take_field(name: str) -> None:
    point = loaders.evidence(state.shown().dataset).measured[0]
    risk_state.take_number(name, str(st.session_state[_FIELD + name] or ""), point)


def _reset() -> None:
    risk_state.LINK.change(replace(risk_state.LINK.shown(), overrides={}))


def _take_facts() -> None:
    """Who holds the image or knew it must only match it; else it is rebuilt, perfectly or really."""
    if st.session_state[_ORIGINAL] or st.session_state[_BEFOREHAND]:
        attacker = "worst"
    else:
        attacker = "real" if st.session_state.get(_REBUILDS) == _REALLY else "relaxed"
    risk_state.LINK.change(replace(risk_state.LINK.shown(), attacker=attacker))


def _take_prior() -> None:
    prior = st.session_state[_PRIOR]
    low, high = PRIOR_LIMITS
    # The value comes from the client.
    if not isinstance(prior, int) or not low <= prior <= high:
        prior = DEFAULT_PRIOR
    risk_state.LINK.change(replace(risk_state.LINK.shown(), prior=prior))
