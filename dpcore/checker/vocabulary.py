"""What libraries call the fields of a claim, and how each is read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from dpcore.checker import fields
from dpcore.checker._words import reject
from dpcore.checker.fields import Entry

Reader = Callable[[Entry], Any]

#: A training's sampling, in words of Opacus, Flower's accountant and ours.
SAMPLING = {
    "poisson": "poisson",
    "shuffle": "shuffle",
    "shuffled": "shuffle",
    "shuffling": "shuffle",
    "fixed": "fixed",
    "without_replacement": "fixed",
    "no_amplification": "fixed",
    "random_sampler": "shuffle",
    "sequential": "shuffle",
    "uniform_with_replacement": "poisson",
    "uniform_with_replacement_sampler": "poisson",
    "full": "full",
    "full_batch": "full",
}
CLIPPING = {
    "flat": "each",
    "per_sample": "each",
    "per_example": "each",
    "per_record": "each",
    "per_client": "each",
    "per_layer": "layers",
    "adaptive": "adaptive",
    "per_microbatch": "microbatch",
    "microbatch": "microbatch",
    "per_batch": "batch",
    "batch": "batch",
    "none": "none",
    "off": "none",
    "on": "unknown",
}
_PER = {
    **dict.fromkeys(("total", "training", "all"), "total"),
    **{f"{start}{word}": word for word in ("round", "epoch", "step") for start in ("", "per_")},
}
_NEIGHBOURS = {
    **dict.fromkeys(("add_remove", "add_or_remove", "add_or_remove_one", "remove", "unbounded"), "add_remove"),
    **dict.fromkeys(("replace", "replace_one", "substitute", "swap", "bounded"), "replace"),
}
_IS_PRIVATE = {"private": "yes", "train": "yes", "training": "yes", "public": "no", "synthetic": "no", "none": "no"}
_UNIT = {
    **dict.fromkeys(("record", "example", "sample", "item", "image"), "record"),
    **dict.fromkeys(("client", "user", "site", "hospital"), "client"),
}

#: Field of the claim: names in snake_case, and the rule it is read by.
COMMON: Mapping[str, tuple[tuple[str, ...], Reader]] = {
    "num_train": (
        (
            *("num_train", "num_examples", "number_of_examples", "num_samples", "num_records", "sample_size"),
            *("dataset_size", "train_size", "training_set_size", "population_size", "num_train_examples"),
        ),
        fields.whole,
    ),
    "batch": (
        ("batch_size", "expected_batch_size", "logical_batch_size", "train_batch_size", "lot_size"),
        fields.whole,
    ),
    "accumulation": (("gradient_accumulation_steps", "accumulation_steps", "n_accumulation_steps"), fields.whole),
    "sample_rate": (("sample_rate", "sampling_rate", "sampling_probability"), fields.rate),
    "epochs": (("epochs", "num_epochs", "n_epochs", "max_epochs", "num_train_epochs", "local_epochs"), fields.whole),
    "rounds": (("num_rounds", "num_server_rounds", "rounds", "communication_rounds"), fields.whole),
    "steps": (("steps", "num_steps", "max_steps", "total_steps", "num_iterations"), fields.whole),
    "poisson_sampling": (("poisson_sampling", "poisson"), fields.boolean),
    "shuffle": (("shuffle", "shuffled"), fields.boolean),
    "sampling": (("sampling", "sampling_method", "sampler", "batch_sampling"), fields.choice(SAMPLING)),
    "drop_last": (("drop_last", "drop_remainder", "fixed_batch_size"), fields.boolean),
    "noise_multiplier": (("noise_multiplier", "noise_mult", "sigma"), fields.non_negative),
    "noise_std": (("noise_std", "noise_stddev", "noise_scale"), fields.non_negative),
    "noise_scales_with_clip": (
        ("noise_scales_with_clip", "noise_scaled", "noise_scaled_with_clip", "scale_noise"),
        fields.boolean,
    ),
    "max_grad_norm": (
        (
            *("max_grad_norm", "max_per_sample_grad_norm", "l2_norm_clip", "l2_clip", "clipping_norm", "clip_norm"),
            *("clipping_threshold", "initial_clipping_norm", "initial_clip_norm"),
        ),
        lambda entry: _clip_norm(entry),  # Defined below.
    ),
    "clipping": (("clipping", "clipping_mode", "clipping_strategy", "clip_per"), fields.choice(CLIPPING)),
    "num_layers": (("num_layers", "num_parameter_groups"), fields.whole),
    "num_microbatches": (("num_microbatches", "microbatches"), fields.whole),
    "used_microbatching": (("used_microbatching",), fields.boolean),
    "noise_divided_by_batch": (("noise_divided_by_batch",), fields.boolean),
    "quantile": (("target_clipped_quantile", "target_unclipped_quantile"), fields.open_unit),
    "disabled": (("disable_dp", "no_dp"), fields.boolean),
    "enabled": (("enable_dp", "use_dp", "dp_enabled"), fields.boolean),
    "count_noise_std": (
        ("unclipped_num_std", "clipped_count_stddev"),
        fields.non_negative,
    ),
    "accountant": (("accountant", "accounting", "accountant_type"), fields.text),
    "delta": (("target_delta", "delta"), fields.open_unit),
    "claimed_epsilon": (
        (
            *("target_epsilon", "claimed_epsilon", "reported_epsilon", "total_epsilon", "epsilon", "eps"),
            *("privacy_budget", "max_epsilon"),
        ),
        fields.positive,
    ),
    "epsilon_per_round": (("epsilon_per_round", "per_round_epsilon", "round_epsilon"), fields.positive),
    "epsilon_per_epoch": (("epsilon_per_epoch", "per_epoch_epsilon"), fields.positive),
    "epsilon_per_step": (("epsilon_per_step", "per_step_epsilon"), fields.positive),
    "claimed_per": (("epsilon_per", "epsilon_scope", "epsilon_is"), fields.choice(_PER)),
    "neighbours": (("neighbours", "neighbors", "neighboring_relation", "adjacency"), fields.choice(_NEIGHBOURS)),
    "normalisation": (
        ("normalisation", "normalization", "norm_layer", "norm_type", "normalization_layer", "norm"),
        lambda entry: _joined(entry),
    ),
    "model": (("model", "architecture", "arch", "model_name", "backbone"), lambda entry: _joined(entry)),
    "tuning": (("tuning_data", "tuned_on", "hyperparameter_search_data"), fields.hint(_IS_PRIVATE)),
    "tuning_trials": (("tuning_trials", "num_trials", "n_trials", "search_trials"), fields.whole),
    "tuning_is_paid": (("tuning_paid", "tuning_accounted", "tuning_in_budget"), fields.boolean),
    "releases": (("releases", "num_releases", "num_models", "models_released"), fields.whole),
    "records_per_patient": (
        ("records_per_patient", "max_records_per_patient", "images_per_patient", "max_examples_per_user"),
        fields.whole,
    ),
    "secure_rng": (("secure_mode", "secure_rng"), fields.boolean),
    "validation": (("validation_data", "early_stopping_data", "model_selection_data"), fields.hint(_IS_PRIVATE)),
    "early_stopping": (("early_stopping",), fields.truthy),
    "weighted_by_size": (("weighted_by_size", "weighted_by_examples", "weight_by_num_examples"), fields.boolean),
    "unit": (("privacy_unit", "privacy_level", "protects"), fields.choice(_UNIT)),
}

#: In a federation with noise at the server, these are counted in clients and rounds.
FEDERATION: Mapping[str, tuple[str, ...]] = {
    "num_train": ("num_total_clients", "total_clients", "num_clients", "population_size", "num_supernodes"),
    "batch": ("num_sampled_clients", "clients_per_round", "sample_size"),
    "sample_rate": ("fraction_fit", "fraction_train", "client_sample_rate"),
    "steps": ("num_rounds", "num_server_rounds", "rounds", "total_rounds", "communication_rounds"),
}
#: What has no meaning for a guarantee to clients.
NOT_IN_FEDERATION = (
    "epochs",
    "rounds",
    "accumulation",
    "drop_last",
    "shuffle",
    "num_microbatches",
    "records_per_patient",
)
#: Several of these may differ.
FREE_TEXT = ("model", "normalisation", "validation", "tuning")
#: Only read where the library has them.
FILTERS: Mapping[str, tuple[tuple[str, ...], Reader]] = {
    "sensitivity": (("sensitivity",), fields.positive),
    "epsilon": (("epsilon",), fields.positive),
    "fraction": (("fraction",), fields.rate),
    "noise_var": (("noise_var",), fields.positive),
    "num_parameters": (("num_parameters", "num_params", "model_parameters"), fields.whole),
    "percentile": (("percentile",), fields.percentage),
    "sigma0": (("sigma0",), fields.non_negative),
}


def _clip_norm(entry: Entry) -> float:
    """One norm, or of a list of one for each layer that of all together."""
    if not isinstance(entry.value, list):
        return fields.positive(entry)
    if not entry.value:
        reject(entry.path, "a finite number above 0 or a list of them", entry.value)
    parts = (
        Entry(key=entry.key, sections=entry.sections, path=f"{entry.path}[{i}]", value=v)
        for i, v in enumerate(entry.value)
    )
    norm = math.hypot(*(fields.positive(part) for part in parts))
    return norm if math.isfinite(norm) else reject(entry.path, "norms with a finite square sum", entry.value)


def _joined(entry: Entry) -> str:
    """A name, or names of layers, as one text; other kinds of value say nothing about layers."""
    items = entry.value if isinstance(entry.value, list) else [entry.value]
    return " ".join(item for item in items if isinstance(item, str))[:2000]
