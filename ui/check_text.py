"""The words of the page "Is this really DP?". Pure functions; **double stars** mark what to stress."""

from __future__ import annotations

import math

from dpcore.checker import Claim, Dialect, Outcome, Severity, Verdict
from dpcore.checker.words import OUTCOME_SENTENCES
from dpcore.results.numbers import short_number

LIBRARIES: dict[Dialect, str] = {
    "opacus": "Opacus",
    "tf_privacy": "TensorFlow Privacy",
    "flower": "Flower",
    "nvflare": "NVFlare",
    "generic": "no particular library",
}
#: A sign beside the colour and the word.
OUTCOME_SIGNS: dict[Outcome, str] = {"void": "✕", "weak": "!", "incomplete": "?", "sound": "✓"}
SEVERITY_SIGNS: dict[Severity, str] = {"void": "✕", "weak": "!", "note": "i"}
#: What a field of a claim is, for those who never saw it.
FIELDS = {
    "num_train": "how many records (or clients) there are",
    "batch": "records (or clients) in a step",
    "accumulation": "parts a step is made of",
    "sample_rate": "chance of being in a step",
    "epochs": "passes over the records",
    "rounds": "rounds that train anew",
    "steps": "noisy steps or rounds",
    "sampling": "how batches are drawn",
    "drop_last": "whether the last, smaller batch is left out",
    "noise_multiplier": "noise, in clipping norms",
    "noise_std": "noise, by itself",
    "noise_scales_with_clip": "whether noise grows with the clipping norm",
    "max_grad_norm": "largest trace a record may leave (clipping norm)",
    "clipping": "what is clipped",
    "num_layers": "layers clipped one by one",
    "microbatch_size": "records clipped together",
    "noise_divided_by_batch": "whether noise is divided by the batch",
    "is_switched_off": "whether DP is on at all",
    "count_noise_std": "noise on the count that steers clipping",
    "quantile": "share the clipping norm is steered to",
    "accountant": "how ε was counted",
    "delta": "δ, chance that the promise fails",
    "claimed_epsilon": "ε, claimed for all",
    "part_epsilon": "ε of one part",
    "part": "what ε is stated for",
    "neighbours": "who is hidden",
    "normalisation": "layers that normalise",
    "model": "the model",
    "tuning_is_private": "data the settings were tuned on",
    "tuning_trials": "trials of tuning",
    "tuning_is_paid": "whether the budget pays for tuning",
    "releases": "models published",
    "records_per_patient": "records of one patient",
    "secure_rng": "whether noise is cryptographically random",
    "validation_is_private": "data the training is steered by",
    "weighted_by_size": "whether larger clients weigh more",
    "unit": "whether a record or a client is hidden",
    "sensitivity": "change the noise is made for",
    "epsilon": "ε of the filter, one round",
    "fraction": "share of values shared",
    "noise_var": "noise on shared values",
    "num_parameters": "values of the model",
    "percentile": "share of values kept back",
    "sigma0": "noise, as a share of the values",
}


def headline(verdict: Verdict) -> str:
    """Returns the outcome's sentence, with the claimed ε beside the true one."""
    return f"{OUTCOME_SENTENCES[verdict.outcome]} {_beside(verdict)}".strip()


def _beside(verdict: Verdict) -> str:
    claim, real = verdict.claim, verdict.compared
    claimed = claimed_words(claim)
    if verdict.epsilon == math.inf:
        return f"The settings claim {claimed}; in truth **nothing limits ε**." if claimed else "**No ε is finite.**"
    if real is None:
        known = "the true ε **cannot be told** from what is stated"
        return f"The settings claim {claimed}; {known}." if claimed else f"{known[0].upper()}{known[1:]}."
    what = "is spent" if real.is_exact else "is proven"
    only = "only " if claim.claimed_epsilon is not None and real.epsilon_tight > claim.claimed_epsilon else ""
    spent = f"{'' if real.is_exact else only}**ε = {short_number(real.epsilon_tight)}** {what}"
    return f"The settings claim {claimed}; {spent}." if claimed else f"No ε is claimed; {spent}."


def claimed_words(claim: Claim) -> str:
    """Returns the claimed ε, of all or of a part; nothing where none is claimed."""
    if claim.claimed_epsilon is not None:
        return f"ε = {short_number(claim.claimed_epsilon)}"
    return f"ε = {short_number(claim.part_epsilon)} for one {claim.part}" if claim.part_epsilon is not None else ""


def people(claim: Claim) -> str:
    """Returns who is protected, in the plural."""
    return "hospitals or other clients" if claim.unit == "client" else "patients"


def relation_sentence(claim: Claim) -> str:
    """Returns why ε depends on which two data sets are compared."""
    one = "client" if claim.unit == "client" else "record"
    return (
        f"An ε compares two worlds. In **add or remove one**, a {one} is in the data or is left out; in **replace "
        f"one**, another stands in its place, which is one left out and one added, so ε is larger for the same noise. "
        "Two values of ε can be compared only within one relation."
    )
