"""From fields as libraries have them to those of a claim, with the libraries' defaults."""

from __future__ import annotations

from typing import Any

from dpcore.checker.claim import (
    Assumption,
    ClientFilter,
    Dialect,
    LargestValues,
    LocalGaussian,
    RelativeNoise,
    SparseVector,
)
from dpcore.checker.fields import plain_name
from dpcore.errors import InvalidValue

#: Flower's noise on the count of unclipped updates, where none is stated, as a share of the sampled clients.
_COUNT_NOISE = 1 / 20


def interpreted(
    values: dict[str, Any], dialect: Dialect, kind: str | None, origins: dict[str, str]
) -> tuple[dict[str, Any], list[Assumption]]:
    """Returns fields of a claim that need more than their own value, and the assumptions made for them.

    Args:
        values: by name of the vocabulary.
        dialect: the library, whose defaults hold.
        kind: the class of a filter at the clients; None if there is none.
        origins: paths in the file, by field of the claim.

    Raises:
        InvalidValue: if two fields contradict each other, or a filter lacks what it cannot do without.
    """
    assumed: list[Assumption] = []
    details: dict[str, Any] = {
        "unit": values.get("unit", "client" if dialect in ("flower", "nvflare") else "record"),
        "sampling": _sampling(values, dialect, kind, assumed),
        **_clipping(values, dialect, assumed),
        **_epsilon(values),
        "target_only": _is_target(values, dialect, kind, origins, assumed),
        "client_filter": _client_filter(values, kind, assumed),
    }
    if values.get("disabled") or values.get("enabled") is False:
        details["is_switched_off"] = True
    if details["clipping"] == "adaptive" and "count_noise_std" not in values:
        details.update(_count_noise(values, dialect, assumed))
    if "tuning" in values:
        details["tuning_is_private"] = values["tuning"] == "yes"
    if "validation" in values:
        details["validation_is_private"] = values["validation"] == "yes"
    elif values.get("early_stopping"):
        details["validation_is_private"] = True
    if values.get("rounds", 1) > 1:
        text = "Every round trains the epochs, or steps, anew on the same records."
        assumed.append(Assumption(field="rounds", text=text))
    if "accumulation" in values and "batch" in values:
        details["batch"] = values["batch"] * values["accumulation"]
    if dialect == "opacus" and "accountant" not in values:
        details["accountant"] = "prv"
        assumed.append(
            Assumption(field="accountant", text="Opacus counts with its PRV accountant unless told otherwise.")
        )
    return details, assumed


def _sampling(values: dict[str, Any], dialect: Dialect, kind: str | None, assumed: list[Assumption]) -> str:
    if "poisson_sampling" in values:
        word = "poisson" if values["poisson_sampling"] else "shuffle"
        stated = values.get("sampling", word)
        if (stated == "poisson") != values["poisson_sampling"]:
            raise InvalidValue(f"poisson_sampling and sampling must agree, but say {word} and {stated}.")
        return str(stated)
    # Opacus replaces a shuffling loader by a Poisson sampler.
    if values.get("shuffle") and "sampling" not in values and dialect != "opacus":
        return "shuffle"
    if "sampling" in values:
        return str(values["sampling"])
    if "batch" in values and values["batch"] * values.get("accumulation", 1) == values.get("num_train"):
        return "full"
    defaults = {
        "opacus": ("poisson", "Opacus draws each batch by Poisson sampling unless poisson_sampling is false."),
        "tf_privacy": ("shuffle", "Keras goes through the records in shuffled batches of one size."),
        "flower": ("fixed", "Flower draws a fixed number of clients each round."),
    }
    if kind:
        return "fixed"
    sampling, text = defaults.get(dialect, ("unknown", ""))
    if text:
        assumed.append(Assumption(field="sampling", text=text))
    return sampling


def _clipping(values: dict[str, Any], dialect: Dialect, assumed: list[Assumption]) -> dict[str, Any]:
    clipping = values.get("clipping")
    if clipping in ("none", "batch"):
        return {"clipping": clipping}
    if "num_microbatches" in values and "batch" not in values:
        return {"clipping": "unknown"}
    size = _microbatch_size(values)
    if clipping == "microbatch" and size == 1 and "num_microbatches" not in values:
        size = 2
    if size > 1:
        return {"clipping": "microbatch", "microbatch_size": size}
    if clipping == "microbatch":
        return {"clipping": "each"}
    if clipping in (None, "each") and ("count_noise_std" in values or "quantile" in values):
        clipping = "adaptive"
    if clipping is None and dialect != "generic" and "max_grad_norm" in values:
        clipping = "each"
        each = "client's update" if dialect in ("flower", "nvflare") else "record's gradient"
        assumed.append(Assumption(field="clipping", text=f"The library clips each {each} unless told otherwise."))
    alike = clipping == "layers" and "norms_listed" not in values
    return {"clipping": clipping or "unknown", "layers_clipped_alike": alike}


def _microbatch_size(values: dict[str, Any]) -> int:
    """Records in a microbatch; 2 stands for an unknown number above 1, which costs the same."""
    if "num_microbatches" not in values:
        return 2 if values.get("used_microbatching") else 1
    count, batch = values["num_microbatches"], values["batch"]
    if batch % count:
        raise InvalidValue(f"num_microbatches must divide the batch size of {batch}, but is {count}.")
    return int(batch // count)


def _count_noise(values: dict[str, Any], dialect: Dialect, assumed: list[Assumption]) -> dict[str, float]:
    if dialect != "flower" or "batch" not in values:
        return {}
    std = values["batch"] * _COUNT_NOISE
    text = f"Flower's noise on the count of unclipped updates is num_sampled_clients / 20 = {std:g} by default."
    assumed.append(Assumption(field="count_noise_std", text=text))
    return {"count_noise_std": std}


def _epsilon(values: dict[str, Any]) -> dict[str, Any]:
    """ε of the whole and of a part; LocalDpMod's and SVTPrivacy's own ε are those of a round."""
    total, per = values.get("claimed_epsilon"), values.get("claimed_per", "total")
    part = (None, "round")
    if total is not None and per != "total":
        total, part = None, (total, per)
    for name in ("round", "epoch", "step"):
        if f"epsilon_per_{name}" in values:
            part = (values[f"epsilon_per_{name}"], name)
    if part[0] is None and "epsilon" in values:
        part = (values["epsilon"], "round")
    return {"claimed_epsilon": total, "part_epsilon": part[0], "part": part[1]}


def _is_target(
    values: dict[str, Any],
    dialect: Dialect,
    kind: str | None,
    origins: dict[str, str],
    assumed: list[Assumption],
) -> bool:
    """Whether the noise is left to a library that finds it for a target."""
    name = plain_name(origins.get("claimed_epsilon", "").rpartition(".")[2])
    noise_stated = kind is not None or "noise_multiplier" in values or "noise_std" in values
    if noise_stated or name != "target_epsilon" or dialect not in ("opacus", "generic"):
        return False
    if values.get("claimed_per", "total") != "total":
        return False
    text = "The library finds the least noise for the target, counting batches as Poisson-sampled."
    assumed.append(Assumption(field="noise_multiplier", text=text))
    return True


def _client_filter(values: dict[str, Any], kind: str | None, assumed: list[Assumption]) -> ClientFilter | None:
    def value(name: str, default: float) -> Any:
        if name not in values:
            assumed.append(Assumption(field=name, text=f"NVFlare's {kind} has {name} = {default:g} by default."))
        return values.get(name, default)

    if kind == "SVTPrivacy":
        return SparseVector(
            fraction=value("fraction", 0.1),
            epsilon=value("epsilon", 0.1),
            noise_var=value("noise_var", 0.1),
            num_parameters=values.get("num_parameters"),
        )
    if kind == "PercentilePrivacy":
        return LargestValues(percentile=value("percentile", 10.0))
    if kind == "GaussianPrivacy":
        return RelativeNoise(sigma0=value("sigma0", 0.1))
    if kind == "LocalDpMod":
        missing = [name for name in ("sensitivity", "epsilon") if name not in values]
        if missing:
            raise InvalidValue(f"LocalDpMod must have a {missing[0]}, but the file states none.")
        return LocalGaussian(sensitivity=values["sensitivity"], epsilon=values["epsilon"])
    return None
