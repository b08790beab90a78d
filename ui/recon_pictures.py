"""The pictures: stored strips in the paper's setting, else an attack computed now. Never pictures of real patients."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

import streamlit as st

from dpcore.errors import DpcoreError, ResultsUnavailable
from ui import loaders, recon_loaders
from ui.blocks import missing, stress
from ui.captions import gallery_caption, no_pictures
from ui.epsilon import name_budget
from ui.finding import Finding
from ui.numbers import format_error, format_sigma
from ui.recon_controls import Recon
from ui.recon_loaders import LiveResult
from ui.text import name_looks, nearest_budget

_CHOICES = {
    "best": ("The five best", "what an attacker would show around"),
    "middle": ("Five from the middle", "what usually comes back: as many came back better as worse"),
}
_IN_BATCHES = (
    "**In a batch the attacker gets several pictures at once, some of them mixed**: below each original stands the one "
    "of them that resembles it most, which may be another’s."
)
_LET_GO = "These pictures are computed for one budget at a time. Let go of the slider to see them."
#: Up to this side pictures are enlarged without smoothing.
_SMALL = 64


def shown_html(recon: Recon) -> str:
    """Returns originals and what came back, the best five and five from the middle; computes what is not stored."""
    if recon.finding.evidence.spec.kind != "image" or recon.view.is_stored:
        return gallery_html(recon)
    try:
        return _figure(recon, _computed(recon))
    except DpcoreError as error:
        return missing(str(error), _at(recon))


def gallery_html(recon: Recon) -> str:
    """Returns the pictures that are stored, or why there are none."""
    if recon.finding.evidence.spec.kind != "image":
        return f'<p class="pp-note pp-wide" {_at(recon)}>{stress(no_pictures(recon.finding))}</p>'
    if not recon.view.is_stored:
        return _figure(recon, f'<p class="pp-note pp-wide">{_LET_GO}</p>')
    try:
        return _figure(recon, _stored(recon))
    except ResultsUnavailable as error:
        return missing(str(error), _at(recon))


def _figure(recon: Recon, body: str) -> str:
    return f'<figure class="pp-gallery rc-gallery" {_at(recon)}>{body}</figure>'


def _stored(recon: Recon) -> str:
    finding, looks = recon.finding, recon.measured_looks
    if finding.evidence.pictures_problem:
        raise ResultsUnavailable(finding.evidence.pictures_problem)
    strips = [s for s in finding.evidence.strips if s.target_epsilon == finding.nearest.target_epsilon]
    if not strips:
        raise ResultsUnavailable("There are no stored pictures at this budget.")
    parts = []
    for choice in _CHOICES:
        chosen = {s.looks: s for s in strips if s.choice == choice}
        if 0 in chosen and looks in chosen:
            originals, rebuilt = (loaders.picture_address(chosen[shown].file) for shown in (0, looks))
            parts.append(_field(choice, originals, rebuilt, chosen[looks].errors, looks))
        else:
            parts.append(f'<p class="rk-faint">{_CHOICES[choice][0]}: these results hold no such pictures.</p>')
    return f"{''.join(parts)}<figcaption>{stress(gallery_caption(finding, strips[0]))}</figcaption>"


def _computed(recon: Recon) -> str:
    finding, view = recon.finding, recon.view
    noise = noise_multiplier(finding)
    looks = view.count_looks(recon.every)
    with st.spinner("Attacking 16 pictures…", show_time=True):
        result = recon_loaders.live(
            finding.evidence.spec.name, noise, looks, together=view.together, side=view.side, denoiser=view.denoise
        )
    small = view.side <= _SMALL
    fields = [_field(s.choice, s.originals, s.rebuilt, s.errors, looks, small=small) for s in result.strips]
    words = live_words(result, finding, noise_multiplier=noise, looks=looks)
    if view.together > 1:
        words = f"{_IN_BATCHES} {words}"
    return f"{''.join(fields)}<figcaption>{stress(words)}</figcaption>"


def noise_multiplier(finding: Finding) -> float:
    """Returns the noise of exactly this budget, or of the nearest measured one where that is unknown."""
    proof = finding.proof
    if proof.problem or math.isnan(proof.noise_multiplier):
        return finding.nearest.noise_multiplier
    return proof.noise_multiplier


def live_words(result: LiveResult, finding: Finding, *, noise_multiplier: float, looks: int) -> str:
    """Returns what was computed now, on what, and how long it took."""
    count = f"**{result.rebuilt} of {result.attacked}**"
    named = f", {result.matched} of {result.attacked} named among {result.candidates}" if result.candidates else ""
    kind = "generated" if result.synthetic else "stand-in"
    stands = ", standing in because the dataset’s own may not be shown" if result.stand_in else ""
    return (
        f"**Computed now on {result.attacked} {kind} pictures**, in {result.seconds:.1f} s: "
        f"{result.source}{stands}. At {name_budget(finding.epsilon)}, σ = {format_sigma(noise_multiplier)}, "
        f"{name_looks(looks) if looks == 1 else f'{looks} looks'}: {count} rebuilt (error below 0.10){named}. "
        "So few pictures show what happens, "
        "not how often; the shares on this page come from all the attacked records. Under each picture: 1 − SSIM, 0 is "
        "identical."
    )


def _field(
    choice: str, originals: str, rebuilt: str, errors: Sequence[float], looks: int, *, small: bool = False
) -> str:
    title, explain = _CHOICES[choice]
    what = name_looks(looks) if looks == 1 else f"{looks} looks"
    listed = ", ".join(format_error(error) for error in errors)
    under = "".join(f"<span>{format_error(error)}</span>" for error in errors)
    pixelated = " rc-pixels" if small else ""
    return (
        f'<div class="rc-field"><h3>{title} <span>{explain}</span></h3>'
        f'<div class="pp-row"><div class="pp-row-name"><strong>Originals</strong></div>'
        f'<div class="pp-row-strip{pixelated}"><img src="{originals}" decoding="sync" '
        f'alt="Five original pictures"></div></div>'
        f'<div class="pp-row"><div class="pp-row-name"><strong>What {what} {"gives" if looks == 1 else "give"}</strong>'
        f'</div><div class="pp-row-strip{pixelated}"><img src="{rebuilt}" decoding="sync" '
        f'alt="Their reconstructions; errors 1 − SSIM {listed}, where 0 is identical">'
        f'<div class="pp-errors">{under}</div></div></div></div>'
    )


def _at(recon: Recon) -> str:
    return f'{recon.place("recon-gallery")} data-budget="{html.escape(nearest_budget(recon.finding))}"'
