"""Whole configurations of each library, and what is said about them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from dpcore.checker import SEVERITIES, Verdict, check, read_configuration, recognise

FOLDER = Path(__file__).parent / "configurations"

#: File: outcome, dialect, ε (tight; None: not known), findings that are void or weak, fields that are missing.
EXPECTED: dict[str, tuple[str, str, float | None, set[str], set[str]]] = {
    "flower_adaptive.yaml": ("void", "flower", None, {"quantile_noise_too_small"}, set()),
    "flower_local.json": ("void", "flower", 4.540, {"epsilon_per_part"}, {"num_train"}),
    "flower_local_unscaled.toml": ("void", "flower", 25.443, {"noise_not_scaled", "epsilon_too_small"}, set()),
    "flower_server.toml": ("weak", "flower", 25.907, {"fixed_size", "weighted_average", "epsilon_too_small"}, set()),
    "flower_sound.yaml": ("sound", "flower", 2.114, set(), set()),
    "generic_incomplete.yaml": (
        *("incomplete", "generic", None, set()),
        {"max_grad_norm", "sampling", "delta", "num_train"},
    ),
    "generic_noise_std.json": ("void", "generic", 273.464, {"noise_not_scaled"}, set()),
    "generic_nothing.json": ("void", "generic", math.inf, {"nothing_private"}, set()),
    "generic_per_batch.yaml": (
        *("void", "generic", 42319.518, {"clipped_per_batch", "shuffled", "epsilon_too_small"}),
        set(),
    ),
    "generic_per_round.yaml": (
        *("void", "generic", None, {"epsilon_per_part"}),
        {"noise_multiplier", "max_grad_norm", "sampling"},
    ),
    "generic_sound.toml": ("sound", "generic", 3.098, set(), set()),
    "generic_unclipped.yaml": ("void", "generic", math.inf, {"no_clipping"}, set()),
    "generic_unscaled.toml": ("void", "generic", 1297.699, {"noise_not_scaled", "epsilon_too_small"}, set()),
    "nvflare_gaussian.yaml": ("void", "nvflare", math.inf, {"no_clipping"}, set()),
    "nvflare_percentile.json": ("void", "nvflare", math.inf, {"no_noise"}, set()),
    "nvflare_svt.json": ("void", "nvflare", math.inf, {"sparse_vector"}, set()),
    "opacus_adaptive.yaml": ("void", "opacus", math.inf, {"quantile_without_noise"}, set()),
    "opacus_adaptive_noised.yaml": ("sound", "opacus", 1.028, set(), set()),
    "opacus_batch_norm.toml": ("void", "opacus", math.inf, {"batch_norm"}, set()),
    "opacus_delta.json": ("void", "opacus", 2.292, {"delta"}, set()),
    "opacus_delta_weak.json": ("weak", "opacus", 1.136, {"delta"}, set()),
    "opacus_disabled.yaml": ("void", "opacus", math.inf, {"switched_off", "delta"}, set()),
    "opacus_every_round.yaml": ("void", "opacus", 6.306, {"epsilon_too_small"}, set()),
    "opacus_gdp.toml": ("weak", "opacus", 2.125, {"accountant"}, set()),
    "opacus_per_layer.json": ("sound", "opacus", 0.624, set(), set()),
    "opacus_script.toml": ("void", "opacus", math.inf, {"no_noise", "delta"}, set()),
    "opacus_shuffled.yaml": ("weak", "opacus", 19.424, {"shuffled", "epsilon_too_small"}, set()),
    "opacus_sound.json": ("sound", "opacus", 7.481, set(), set()),
    "opacus_target.yaml": ("sound", "opacus", 8.000, set(), set()),
    "opacus_too_small.yaml": ("void", "opacus", 53.606, {"epsilon_too_small"}, set()),
    "opacus_tuned.json": ("weak", "opacus", 1.035, {"tuning"}, set()),
    "tf_microbatches.yaml": ("void", "tf_privacy", 45.341, {"microbatches", "shuffled"}, set()),
    "tf_per_example.toml": ("sound", "tf_privacy", 2.254, set(), set()),
    "tf_whole_batch.json": ("void", "tf_privacy", 165.258, {"clipped_per_batch", "shuffled"}, set()),
}


def _verdict(name: str) -> Verdict:
    return check(recognise(read_configuration((FOLDER / name).read_bytes(), name=name)))


def test_every_configuration_has_an_expectation() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_verdict(name: str) -> None:
    outcome, dialect, epsilon, wrong, missing = EXPECTED[name]
    verdict = _verdict(name)
    assert (verdict.outcome, verdict.claim.dialect) == (outcome, dialect)
    assert {f.name for f in verdict.findings if f.severity != "note"} == wrong
    assert {m.field for m in verdict.missing} == missing
    assert verdict.epsilon == (epsilon if epsilon is None else pytest.approx(epsilon, rel=1e-3))


@pytest.mark.parametrize("name", EXPECTED)
def test_findings_are_whole_sentences_and_worst_first(name: str) -> None:
    findings = _verdict(name).findings
    assert [f.severity for f in findings] == sorted((f.severity for f in findings), key=SEVERITIES.index)
    for finding in findings:
        for sentence in (finding.text, finding.engineer):
            assert sentence.endswith(".")
            assert "\n" not in sentence
            assert not any(word in sentence for word in ("None", "nan", "inf "))
        assert finding.field
        assert finding.source


@pytest.mark.parametrize("name", ["opacus_sound.json", "flower_local.json"])
def test_the_format_is_told_without_the_ending(name: str) -> None:
    content = (FOLDER / name).read_text(encoding="utf-8")
    assert read_configuration(content) == read_configuration(content, name=name)


def test_the_same_settings_mean_the_same_in_each_format() -> None:
    texts = {
        "a.json": '{"privacy": {"noise_multiplier": 1.1, "max_grad_norm": 1.0}, "target_delta": 1e-5, "epochs": 3}',
        "a.toml": "target_delta = 1e-5\nepochs = 3\n[privacy]\nnoise_multiplier = 1.1\nmax_grad_norm = 1.0",
        "a.yaml": "privacy: {noise-multiplier: 1.1, maxGradNorm: 1.0}\ntarget_delta: 1e-5\nepochs: 3",
    }
    claims = [recognise(read_configuration(text, name=name)) for name, text in texts.items()]
    for claim in claims:
        assert (claim.noise_multiplier, claim.max_grad_norm, claim.delta, claim.epochs) == (1.1, 1.0, 1e-5, 3)
        assert claim.dialect == "opacus"
        assert claim.sampling == "poisson"


def test_findings_name_the_field_as_the_file_does() -> None:
    fields = {f.name: f.field for f in _verdict("tf_whole_batch.json").findings}
    assert fields["clipped_per_batch"] == "optimizer.num_microbatches"


def test_what_the_library_assumes_is_said() -> None:
    assumed = {a.field for a in _verdict("opacus_target.yaml").claim.assumptions}
    assert assumed == {"sampling", "clipping", "noise_multiplier"}


def test_a_claim_that_covers_trials_and_patients_is_sound() -> None:
    tree = read_configuration((FOLDER / "opacus_tuned.json").read_bytes())
    small = check(recognise({**tree, "target_epsilon": 1.1}))
    enough = check(recognise({**tree, "target_epsilon": 6.8}))
    assert {f.name for f in small.findings if f.severity == "weak"} == {"tuning", "several_records"}
    assert enough.outcome == "sound"
    assert {f.name for f in enough.findings if f.severity == "note"} == {
        "tuning",
        "several_records",
        "private_validation",
    }


def test_batches_of_unknown_drawing_give_two_conditional_statements_and_no_epsilon() -> None:
    tree = {
        **{"noise_multiplier": 1.0, "clip_norm": 1.0, "clipping": "per_record", "delta": 1e-6},
        **{"batch_size": 100, "num_train": 10_000, "epochs": 10, "claimed_epsilon": 1},
    }
    verdict = check(recognise(tree))
    assert [s.name for s in verdict.statements] == ["if_shuffled", "if_poisson"]
    assert verdict.epsilon is None
    assert verdict.outcome == "incomplete"
    assert check(recognise({**tree, "sampling": "poisson"})).epsilon == verdict.statements[1].epsilon_tight


def test_other_filters_of_a_list_do_not_contradict_the_chosen_one() -> None:
    claim = recognise(read_configuration((FOLDER / "nvflare_svt.json").read_bytes()))
    assert type(claim.client_filter).__name__ == "SparseVector"
    assert claim.client_filter.num_parameters == 1_000_000  # type: ignore[union-attr]


def test_epsilon_of_an_optimiser_is_not_a_budget() -> None:
    claim = recognise({"noise_multiplier": 1.0, "optimizer": {"epsilon": 1e-8}, "model": {"norm": "group"}})
    assert claim.claimed_epsilon is None
