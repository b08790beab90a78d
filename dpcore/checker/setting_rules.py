"""What is wrong around the mechanism: sampling, δ, layers that mix records, tuning, who is protected."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dpcore.checker._words import number
from dpcore.checker.claim import Claim
from dpcore.checker.finding import FLOWER, OPACUS, PONOMAREVA, Finding, Severity
from dpcore.checker.statements import APPROXIMATIONS, BOUNDS, get_sample_rate

#: δ·N from which records may be published whole in numbers that matter.
_LARGE_DELTA = 0.1
#: Published architectures that come with batch normalisation unless it is replaced.
_USUALLY_BATCH_NORM = re.compile(r"(wide_?)?resnet|densenet|mobilenet|efficientnet|inception|resnext", re.IGNORECASE)
_BATCH_NORM = re.compile(r"batch[\s_-]?norm|^bn$|^batch$", re.IGNORECASE)


def delta(claim: Claim) -> Iterator[Finding]:
    """δ that lets whole records out."""
    if claim.delta is None or claim.num_train is None:
        return
    expected = claim.delta * claim.num_train
    if expected <= _LARGE_DELTA:
        return
    who = "hospitals" if claim.unit == "client" else "people"
    severity: Severity = "void" if expected >= 1 else "weak"
    yield Finding(
        name="delta",
        severity=severity,
        text=(
            f"δ is too large for {claim.num_train:,} {who}: a program that publishes someone's data whole with that "
            f"chance, {number(expected)} of them on average, would keep within it."
        ),
        engineer=f"δ = {number(claim.delta)} is {number(expected)}/N; it should be well below 1/N.",
        field=claim.origin("delta"),
        source=f"Dwork & Roth (2014), section 2.3; {PONOMAREVA}",
    )


def sampling(claim: Claim) -> Iterator[Finding]:
    """Batches drawn otherwise than the accountant counts."""
    if claim.sampling in ("shuffle", "fixed") and claim.client_filter is None:
        drawn = "in shuffled passes" if claim.sampling == "shuffle" else "as random groups of fixed size"
        yield Finding(
            name="shuffled" if claim.sampling == "shuffle" else "fixed_size",
            severity="weak",
            text=(
                f"Data are drawn {drawn}, but usual accounting credits the chance of being left out, which is "
                "not proven for that; ε here does without."
            ),
            engineer=(
                "Poisson accounting does not bound shuffled batches, and can fall far below what they spend. Proven is "
                "one Gaussian release a pass."
                if claim.sampling == "shuffle"
                else "Amplification by Poisson sampling needs independent coins. Proven without it: a release a step."
            ),
            field=claim.origin("sampling"),
            source="Chua et al. (ICML 2024), How private are DP-SGD implementations?",
        )
    if claim.drop_last and claim.sampling != "poisson":
        yield Finding(
            name="drop_last",
            severity="note",
            text="Each pass leaves some data out, others each time; this changes nothing in the guarantee given here.",
            engineer="drop_last makes batches of one size; an accountant for Poisson batches does not describe them.",
            field=claim.origin("drop_last"),
            source=PONOMAREVA,
        )
    yield from _rates(claim)


def _rates(claim: Claim) -> Iterator[Finding]:
    real = get_sample_rate(claim)
    if real is None or claim.sample_rate is None or real <= claim.sample_rate * 1.02 or claim.sampling != "poisson":
        return
    yield Finding(
        name="sample_rate",
        severity="weak",
        text="Each person's data is used more often than the privacy accounting counts.",
        engineer=f"Batch and N give a sample rate of {number(real)}, but {number(claim.sample_rate)} is stated.",
        field=claim.origin("sample_rate"),
        source=PONOMAREVA,
    )


def accountant(claim: Claim) -> Iterator[Finding]:
    """Accountants that approximate, or that are not known here."""
    name = (claim.accountant or "").lower()
    if not name or name in BOUNDS:
        return
    approximates = name in APPROXIMATIONS
    yield Finding(
        name="accountant",
        severity="weak" if approximates else "note",
        text=(
            "The way the budget was counted is an approximation that can come out too low."
            if approximates
            else "The way the budget was counted is not known here; ε here is counted anew."
        ),
        engineer=(
            "The Gaussian (central limit) accountant is not an upper bound."
            if approximates
            else f"No rule is known for the accountant {claim.accountant!r}."
        ),
        field=claim.origin("accountant"),
        source="Gopi, Lee & Wutschitz (NeurIPS 2021)",
    )


def batch_normalisation(claim: Claim) -> Iterator[Finding]:
    """Layers through which one record changes the gradients of others."""
    source = f"{OPACUS}, ModuleValidator; {PONOMAREVA}"
    if claim.normalisation is not None and _BATCH_NORM.search(claim.normalisation):
        yield Finding(
            name="batch_norm",
            severity="void",
            text="The model mixes people's data within a batch, so limiting each one's trace alone does not work.",
            engineer=(
                "Batch normalisation makes every record's gradient depend on the others, so clipping bounds no "
                "record's influence, and its running statistics are released without noise; use GroupNorm."
            ),
            field=claim.origin("normalisation"),
            source=source,
        )
    elif claim.normalisation is None and claim.model and _USUALLY_BATCH_NORM.search(claim.model):
        yield Finding(
            name="batch_norm_possible",
            severity="note",
            text="Models of this kind usually mix people's data within a batch; make sure that this one does not.",
            engineer="This architecture has batch normalisation unless it is replaced, for example by GroupNorm.",
            field=claim.origin("model"),
            source=source,
        )


def tuning(claim: Claim) -> Iterator[Finding]:
    """Trials on private data that no budget pays for."""
    trials = claim.tuning_trials or 1
    if claim.tuning_is_paid or claim.tuning_is_private is False:
        return
    if claim.tuning_is_private is None and trials == 1:
        return
    count = f"{trials} trials" if trials > 1 else "trials"
    yield Finding(
        name="tuning",
        severity="weak",
        text=f"The settings were chosen by {count} on the same people's data, and the budget does not pay for them.",
        engineer=(
            "Choosing the best of k private trainings spends at most what publishing all k spends; a random number of "
            "trials can cost about two to three times ε instead."
        ),
        field=claim.origin("tuning_trials" if trials > 1 else "tuning_is_private"),
        source="Papernot & Steinke (ICLR 2022)",
    )


def releases(claim: Claim) -> Iterator[Finding]:
    """Several models from the same data, or several records of a person."""
    if claim.releases > 1:
        yield Finding(
            name="several_releases",
            severity="weak",
            text=f"{claim.releases} models are published from the same data, and their losses add up.",
            engineer="The stated ε is that of one training; releases compose.",
            field=claim.origin("releases"),
            source="Dwork & Roth (2014), section 3.5",
        )
    if claim.records_per_patient > 1:
        yield Finding(
            name="several_records",
            severity="weak",
            text=f"The guarantee is for one record; a patient with {claim.records_per_patient} is protected less.",
            engineer="Groups of k records: for Gaussian noise the shift μ grows k-fold.",
            field=claim.origin("records_per_patient"),
            source="Vadhan (2017), Lemma 2.2; Dong, Roth & Su (2022), Theorem 2.14",
        )


def surroundings(claim: Claim) -> Iterator[Finding]:
    """Random numbers, validation, and clients of unequal weight."""
    if claim.secure_rng is not True and claim.dialect == "opacus":
        yield Finding(
            name="secure_mode",
            severity="note",
            text="The noise comes from a generator made for speed; a determined expert might see through it.",
            engineer="secure_mode is off: pseudo-random noise in floating point is not the noise of the proof.",
            field=claim.origin("secure_rng"),
            source=f"Mironov (CCS 2012); {OPACUS}",
        )
    if claim.validation_is_private:
        yield Finding(
            name="private_validation",
            severity="note",
            text="People whose data only steer or judge the training are not covered by this guarantee.",
            engineer="Scores on private validation records, and stopping by them, are releases that nobody counts.",
            field=claim.origin("validation_is_private"),
            source=PONOMAREVA,
        )
    if claim.dialect == "flower" and claim.client_filter is None and claim.weighted_by_size is not False:
        yield Finding(
            name="weighted_average",
            severity="weak",
            text="Larger hospitals weigh more in the average than the noise is made for, so they are protected less.",
            engineer=(
                "FedAvg weights updates by their number of records, but the noise σC/n is made for equal weights; "
                "weight them equally (and state weighted_by_size = false)."
            ),
            field=claim.origin("weighted_by_size"),
            source=f"McMahan et al. (ICLR 2018); {FLOWER}",
        )
