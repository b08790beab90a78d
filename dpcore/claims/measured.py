"""The paper's measured numbers beside those of our sweep, where there is one."""

from __future__ import annotations

import math
import re

import pandas as pd

from dpcore.claims import published
from dpcore.claims.counterparts import Counterpart, Measured, attacked_size, conditions, counterpart_of
from dpcore.claims.published import PublishedAttack, PublishedUtility
from dpcore.claims.rows import budget_words, mechanism_of, short, unchecked
from dpcore.claims.verdict import ClaimRow, verdict
from dpcore.errors import DpcoreError
from dpcore.results.intervals import clopper_pearson
from dpcore.results.schema import ETA
from dpcore.results.statistics import get_comparison_from_runs
from dpcore.results.store import PrecomputedStore

_SIGNIFICANT = 0.05
#: Points between the shares at two neighbouring σ from which on they say nothing of one between.
_FAR_APART = 10.0


def measured_rows(store: PrecomputedStore) -> tuple[ClaimRow, ...]:
    """Returns utility and real attacks; "unchecked" where the store has no such point.

    Raises ResultsUnavailable if the store itself is missing or damaged.
    """
    return _rows(Measured.of(store))


def rows_without_results() -> tuple[ClaimRow, ...]:
    """Returns the same rows when there are no results to compare with."""
    return _rows(Measured.nothing())


def _rows(measured: Measured) -> tuple[ClaimRow, ...]:
    return (
        *(_utility_row(claim, measured) for claim in published.UTILITIES),
        *(_attack_row(claim, measured) for claim in published.ATTACKS),
    )


def _utility_row(claim: PublishedUtility, measured: Measured) -> ClaimRow:
    is_p = claim.what.endswith(("p", "p against no DP"))
    what = f"{claim.what}, {budget_words(claim.epsilon)}"
    printed = f"{'p = ' if is_p else ''}{claim.printed}{'' if is_p else ' %'}"
    source = counterpart_of(claim)
    assert source is not None
    runs = measured.at("runs", source.dataset, claim.epsilon)
    try:
        depends = conditions(source.dataset, str(runs["model"].iloc[0])) if len(runs) else ""
        if not depends or runs[source.column].isna().any():
            return unchecked("utility", claim.dataset, what, printed)
        find = _p_value if is_p else _score
        ours, value, found = find(claim, source, measured)
    except DpcoreError:
        # Too few or diverged runs, or a dataset unknown here: nothing to compare with.
        return unchecked("utility", claim.dataset, what, printed)
    called = f"{source.called}: " if source.called else ""
    return ClaimRow(
        group="utility",
        dataset=claim.dataset,
        what=what,
        published=printed,
        ours=f"{called}{ours}",
        value=value if math.isfinite(value) else None,
        outcome="depends",
        reason="; ".join(part for part in (found, source.because, depends, claim.note) if part),
    )


def _score(claim: PublishedUtility, source: Counterpart, measured: Measured) -> tuple[str, float, str]:
    """Our words and value in per cent, and how far from the printed one."""
    scores = 100 * measured.at("runs", source.dataset, claim.epsilon)[source.column]
    value = float(scores.mean())
    off = value - float(claim.printed)
    return (
        f"{value:.2f} ± {scores.std(ddof=1):.2f} %",
        value,
        f"{abs(off):.3g} points {'above' if off > 0 else 'below'} the published value",
    )


def _p_value(claim: PublishedUtility, source: Counterpart, measured: Measured) -> tuple[str, float, str]:
    """Our words and p-value, and whether both tests find the same."""
    private, bare = (measured.at("runs", source.dataset, e)[source.column] for e in (claim.epsilon, math.inf))
    margin = float(measured.at("points", source.dataset, claim.epsilon)["tost_margin"].iloc[0])
    test = get_comparison_from_runs(private, bare, margin=margin)
    if math.isnan(test.p_ttest):
        return "p not defined", test.p_ttest, "our runs do not vary, so there is nothing to test"
    equivalence = f"p = {short(test.p_tost)} for equivalence within ±{margin:g} (TOST)"
    theirs, ours = (p < _SIGNIFICANT for p in (float(claim.printed), test.p_ttest))
    found = "a difference" if ours else "no difference"
    same = (
        f"both find {found}"
        if theirs == ours
        else f"published finds {'a' if theirs else 'no'} difference, ours {found}"
    )
    return f"p = {short(test.p_ttest)}", test.p_ttest, f"{same}; finding none is not equality: {equivalence}"


def _attack_row(claim: PublishedAttack, measured: Measured) -> ClaimRow:
    what = f"images rebuilt, {budget_words(claim.epsilon)}"
    printed = f"{claim.printed} %" + (f" ({claim.note})" if claim.note else "")
    source = counterpart_of(claim)
    if source is None and not math.isinf(claim.epsilon):
        return _row_at_like_noise(claim, measured, what=what, printed=printed)
    if source is None:
        return _counted_row(claim, what=what, printed=printed)
    found = measured.at("attacks", source.dataset, claim.epsilon)
    if found.empty:
        return unchecked("attack", claim.dataset, what, printed)
    one = found[found["looks"] == found["looks"].min()]
    share = float((one["error"] < ETA).mean())
    return ClaimRow(
        group="attack",
        dataset=claim.dataset,
        what=what,
        published=printed,
        ours=_shares_words(found),
        value=100 * share,
        outcome="depends",
        reason=f"{_interval_words(claim, one)}; depends on how often the attacker looks and on the image size: "
        f"{len(one)} images at {attacked_size(str(one['records'].iloc[0]))} here",
    )


def _counted_row(claim: PublishedAttack, *, what: str, printed: str) -> ClaimRow:
    """A whole batch at once: nothing needs measuring, for each bin of the planted layer yields one image at most."""
    bins, batch = published.IMPRINT_BINS, published.RADIMAGENET.expected_batch_size
    most = 100 * bins / batch
    outcome, reason = verdict(claim.printed, most)
    return ClaimRow(
        group="attack",
        dataset=claim.dataset,
        what=what,
        published=printed,
        ours=f"at most {most:.1f} %",
        value=most,
        outcome=outcome,
        reason=f"{reason}; counted, not measured: each of the {bins} bins yields one of the {batch:,} images at most",
    )


def _shares_words(found: pd.DataFrame) -> str:
    shares = {int(looks): 100 * float((rows["error"] < ETA).mean()) for looks, rows in found.groupby("looks")}
    return ", ".join(f"{share:.3g} % from {looks} look{'s' if looks > 1 else ''}" for looks, share in shares.items())


def _interval_words(claim: PublishedAttack, one: pd.DataFrame) -> str:
    """Whether the printed share lies in the 95 % interval of ours from one look."""
    low, high = (100 * limit for limit in clopper_pearson(int((one["error"] < ETA).sum()), len(one)))
    theirs = float(re.sub(r"[^0-9.]", "", claim.printed))
    side = "in" if low <= theirs <= high else "outside"
    return f"from one look, the published value lies {side} our 95 % interval, {low:.3g} to {high:.3g} %"


def _row_at_like_noise(claim: PublishedAttack, measured: Measured, *, what: str, printed: str) -> ClaimRow:
    """RadImageNet's images are not here, but its noise is known: our attack at the two measured σ around it."""
    sigma = mechanism_of(published.RADIMAGENET, claim.epsilon).noise_multiplier
    around = _attacks_around(measured.attacks[measured.attacks["dataset"] == "ham10000"], sigma)
    if not around:
        return unchecked("attack", claim.dataset, what, printed)
    (more, at_more), (less, at_less) = around
    size = attacked_size(str(measured.attacks[measured.attacks["dataset"] == "ham10000"]["records"].iloc[0]))
    settled = "" if abs(at_more - at_less) < _FAR_APART else "too far apart to settle it; "
    return ClaimRow(
        group="attack",
        dataset=claim.dataset,
        what=what,
        published=printed,
        ours=f"HAM10000: {at_more:.3g} to {at_less:.3g} % from 1 look",
        # Between two measured σ there is no one value.
        value=None,
        outcome="depends",
        reason=f"{settled}RadImageNet is given out on request only, so this is HAM10000 at the measured σ on either "
        f"side of RadImageNet's {short(sigma)}: {at_more:.3g} % at {short(more)} (more noise), {at_less:.3g} % at "
        f"{short(less)} (less); depends on the images and their size, {size} here: larger ones need less noise to hide",
    )


def _attacks_around(attacks: pd.DataFrame, sigma: float) -> tuple[tuple[float, float], ...]:
    """The next measured σ above and below, each with the share rebuilt from one look in per cent; or nothing."""
    attacks = attacks[(attacks["looks"] == attacks["looks"].min()) & (attacks["noise_multiplier"] > 0)]
    noise = attacks["noise_multiplier"]
    edges = noise[noise >= sigma].min(), noise[noise < sigma].max()
    if math.isnan(edges[0]) or math.isnan(edges[1]):
        return ()
    return tuple((float(edge), 100 * float((attacks["error"][noise == edge] < ETA).mean())) for edge in edges)
