"""Which library a configuration is for, and what it claims in our vocabulary."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dpcore.checker._words import named, reject, shown
from dpcore.checker.claim import DIALECTS, Claim, Dialect
from dpcore.checker.fields import Entry, entries, find, plain_name
from dpcore.checker.interpretation import interpreted
from dpcore.checker.vocabulary import COMMON, FEDERATION, FILTERS, FREE_TEXT, NOT_IN_FEDERATION
from dpcore.errors import InvalidValue

#: Classes whose name gives the library away.
_CLASSES: tuple[tuple[re.Pattern[str], Dialect], ...] = (
    (re.compile(r"(.*\.)?(SVTPrivacy|PercentilePrivacy|GaussianPrivacy)"), "nvflare"),
    (re.compile(r"(.*\.)?(DifferentialPrivacy(Server|Client)Side(Fixed|Adaptive)Clipping|LocalDpMod)"), "flower"),
    (
        re.compile(r"(.*\.)?(VectorizedDP|DP)\w*(Keras|Gaussian|GradientDescent)\w*Optimizer|tf_privacy\..*"),
        "tf_privacy",
    ),
    (re.compile(r"(.*\.)?(PrivacyEngine(AdaptiveClipping)?|DPOptimizer)"), "opacus"),
)
_FILTERS = re.compile(r"(.*\.)?(SVTPrivacy|PercentilePrivacy|GaussianPrivacy|LocalDpMod)")
#: Names that only one library uses, asked in this order.
_KEYS: tuple[tuple[frozenset[str], Dialect], ...] = (
    (frozenset({"l2_norm_clip", "num_microbatches", "used_microbatching"}), "tf_privacy"),
    (frozenset({"num_sampled_clients", "clipping_norm", "clipped_count_stddev"}), "flower"),
    (
        frozenset(
            (
                *("max_grad_norm", "max_per_sample_grad_norm", "poisson_sampling", "grad_sample_mode", "secure_mode"),
                "unclipped_num_std",
            )
        ),
        "opacus",
    ),
)
_LIBRARY = ("library", "framework", "dialect")
_BATCH_NORM = re.compile(r"batch[\s_-]?norm", re.IGNORECASE)
_USES_BATCH_NORM = re.compile(r"(use_|with_)?(batch_?norm|bn)")
#: Fields that a claim has under the same name.
_SAME = (
    *("num_train", "batch", "sample_rate", "epochs", "steps", "drop_last", "noise_multiplier", "noise_std"),
    *("noise_scales_with_clip", "max_grad_norm", "num_layers", "noise_divided_by_batch", "count_noise_std"),
    *("accountant", "delta", "neighbours", "model", "tuning_trials", "tuning_is_paid"),
    *("releases", "records_per_patient", "secure_rng", "weighted_by_size", "rounds"),
)


def recognise(tree: Mapping[str, Any]) -> Claim:
    """Returns what a configuration (of `read_configuration`) claims.

    The library is told by its classes' or fields' names, or by a field "library". Raises InvalidValue, in one
    sentence, for a field that breaks its rule, two that disagree, or a file that states nothing about a training.
    """
    found = entries(tree)
    dialect = _dialect(found)
    kind, found = _filter_kind(found, dialect)
    read = _read_all(found, dialect, kind)
    values = {name: value for name, (value, _) in read.items()}
    origins = tuple((_field(name), named(path)) for name, (_, path) in read.items())
    if not values and kind is None:
        raise InvalidValue("The file must state something about a private training, but has no field known here.")
    details, assumptions = interpreted(values, dialect, kind, dict(origins))
    stated = {name: values[name] for name in _SAME if name in values}
    stated.update(details)
    stated.setdefault("normalisation", _normalisation(found, values))
    _check_batch(stated, origins)
    return Claim(dialect=dialect, origins=origins, assumptions=tuple(assumptions), **stated)


def _dialect(found: tuple[Entry, ...]) -> Dialect:
    stated = find(found, _LIBRARY)
    if stated and isinstance(stated.value, str):
        word = plain_name(stated.value).replace("tensorflow", "tf").replace("flwr", "flower")
        for known in DIALECTS:
            if word == known or (known != "generic" and word.startswith(known)):
                return known
        if word not in ("pytorch", "torch", "keras", "tf", "jax"):
            reject(stated.path, f"one of {', '.join(DIALECTS)}", stated.value)
    for pattern, dialect in _CLASSES:
        if any(pattern.fullmatch(text) for entry in found for text in _texts(entry)):
            return dialect
    keys = {entry.key for entry in found}
    return next((dialect for names, dialect in _KEYS if names & keys), "generic")


def _texts(entry: Entry) -> Iterator[str]:
    """Every short text of an entry that may name a class, its sections' names among them."""
    values = entry.value if isinstance(entry.value, list) else [entry.value]
    yield from (value for value in values if isinstance(value, str) and len(value) <= 200)
    yield from entry.path.replace("]", "").replace("[", ".").split(".")


def _filter_kind(found: tuple[Entry, ...], dialect: Dialect) -> tuple[str | None, tuple[Entry, ...]]:
    """The first filter that works at the clients, and the entries without those of other filters of a list."""
    for entry in found:
        for text in _texts(entry):
            match = _FILTERS.fullmatch(text)
            if match:
                return match[2], _of_one_filter(found, entry)
    keys = {entry.key for entry in found}
    if dialect == "flower" and {"sensitivity", "epsilon"} <= keys:
        return "LocalDpMod", found
    if dialect == "nvflare":
        told = {"noise_var": "SVTPrivacy", "percentile": "PercentilePrivacy", "sigma0": "GaussianPrivacy"}
        return next((kind for key, kind in told.items() if key in keys), None), found
    return None, found


def _of_one_filter(found: tuple[Entry, ...], chosen: Entry) -> tuple[Entry, ...]:
    """Filters stand in lists, each with its own args: others' args would contradict the chosen one's."""
    home = re.match(r"(.*filters\[)\d+\]", chosen.path)
    if not home:
        return found
    return tuple(e for e in found if not e.path.startswith(home[1]) or e.path.startswith(home[0]))


def _read_all(found: tuple[Entry, ...], dialect: Dialect, kind: str | None) -> dict[str, tuple[Any, str]]:
    names, reader = COMMON["unit"]
    unit = find(found, names)
    federated = dialect in ("flower", "nvflare") or (unit is not None and reader(unit) == "client")
    read = {}
    for name, (names, reader) in {**COMMON, **(FILTERS if kind else {})}.items():
        if federated and name in NOT_IN_FEDERATION:
            continue
        if kind and name == "claimed_epsilon":
            names = tuple(n for n in names if n != "epsilon")
        known = FEDERATION.get(name, names) if federated else names
        entry = find(found, known, numerical=name in ("claimed_epsilon", "delta"), agreeing=name not in FREE_TEXT)
        if entry is None:
            continue
        value = reader(entry)
        if value is not None:
            read[name] = (value, entry.path)
            if name == "max_grad_norm" and isinstance(entry.value, list):
                read["norms_listed"] = (True, entry.path)
    return read


def _field(name: str) -> str:
    """The claim's field that a name of the vocabulary ends up in."""
    merged = {
        **dict.fromkeys(("poisson_sampling", "shuffle"), "sampling"),
        **dict.fromkeys(("epsilon_per_round", "epsilon_per_epoch", "epsilon_per_step"), "part_epsilon"),
        "claimed_per": "part",
        **dict.fromkeys(("disabled", "enabled"), "is_switched_off"),
        **dict.fromkeys(("num_microbatches", "used_microbatching"), "microbatch_size"),
        "tuning": "tuning_is_private",
        "validation": "validation_is_private",
        "early_stopping": "validation_is_private",
        "norms_listed": "layers_clipped_alike",
    }
    return merged.get(name, name)


def _normalisation(found: tuple[Entry, ...], values: dict[str, Any]) -> str | None:
    """Batch normalisation wherever it is named or switched on, else what the file says about normalisation."""
    for entry in found:
        if _USES_BATCH_NORM.fullmatch(entry.key) and isinstance(entry.value, bool):
            return "BatchNorm" if entry.value else "none"
        if entry.key in ("type", "class", "class_name", "layers", "name") and any(map(_BATCH_NORM.search, _own(entry))):
            return shown(next(text for text in _own(entry) if _BATCH_NORM.search(text))).strip("'")
    text = values.get("normalisation")
    return text or None


def _own(entry: Entry) -> list[str]:
    values = entry.value if isinstance(entry.value, list) else [entry.value]
    return [value for value in values if isinstance(value, str)]


def _check_batch(stated: dict[str, Any], origins: tuple[tuple[str, str], ...]) -> None:
    """The rate that batch and records give must not exceed what is stated, or the statement is about less."""
    batch, records, rate = stated.get("batch"), stated.get("num_train"), stated.get("sample_rate")
    if batch is None or records is None or rate is None or batch > records:
        return
    if not 0.5 <= rate * records / batch <= 2:
        raise InvalidValue(
            f"{dict(origins)['sample_rate']} must be about batch / N = {batch / records:.3g}, but is {rate:g}."
        )
