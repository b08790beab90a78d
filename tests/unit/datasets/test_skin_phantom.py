from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from dpcore import datasets
from dpcore.datasets.phantom_lesions import LABEL_NOISE, Lesions, draw_lesions
from dpcore.datasets.phantom_render import render
from dpcore.datasets.skin_phantom import paint
from dpcore.datasets.spec import Dataset


@pytest.fixture(scope="module")
def lesions() -> Lesions:
    return draw_lesions(num_images=600, seed=11)


def test_shape_and_prevalence(phantom: Dataset) -> None:
    assert phantom.features.shape == (8000, 3, 28, 28)
    assert phantom.features.dtype == np.float32
    assert -1 <= phantom.features.min() < -0.9 < 0.9 < phantom.features.max() <= 1
    assert phantom.labels.mean() == pytest.approx(0.195, abs=0.001)
    assert len(phantom.split.train) == 6000


def test_patients_have_one_to_five_images_of_one_skin(phantom: Dataset) -> None:
    images_per_patient = np.bincount(phantom.groups)
    assert set(images_per_patient.tolist()) == {1, 2, 3, 4, 5}
    tones = phantom.subgroups["skin tone (phantom)"]
    pairs = set(zip(phantom.groups.tolist(), tones.tolist(), phantom.labels.tolist(), strict=True))
    assert len(pairs) == len(images_per_patient)
    shares = {tone: float((tones == tone).mean()) for tone in ("light", "medium", "dark")}
    assert shares["light"] > shares["medium"] > shares["dark"] > 0.08
    assert sum(shares.values()) == pytest.approx(1)


def test_painting_all_records_is_quick() -> None:
    few = draw_lesions(num_images=1000, seed=1)
    start = time.process_time()
    render(few, size=28)
    assert (time.process_time() - start) * 8 < 15  # seconds of one core for all 8,000


def test_no_patient_is_in_two_parts(phantom: Dataset) -> None:
    split = phantom.split
    owners = [set(phantom.groups[part].tolist()) for part in (split.train, split.validation, split.test)]
    assert sum(map(len, owners)) == len(np.unique(phantom.groups))


def test_darker_tones_are_darker(phantom: Dataset) -> None:
    brightness = phantom.features.mean(axis=(1, 2, 3))
    tones = phantom.subgroups["skin tone (phantom)"]
    light, medium, dark = (brightness[tones == tone].mean() for tone in ("light", "medium", "dark"))
    assert light > medium + 0.1 > dark + 0.2


def test_any_choice_of_records_is_painted_as_in_the_whole(phantom: Dataset) -> None:
    chosen = np.array([7999, 3, 4242, 17])
    painted = paint(chosen, size=28).transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
    np.testing.assert_allclose(painted, phantom.features[chosen], atol=1.01 / 127.5)


def test_a_record_and_its_large_picture_show_the_same_lesion(lesions: Lesions) -> None:
    few = lesions.take(np.arange(40))
    small, large = render(few, size=28).astype(float), render(few, size=112).astype(float)
    shrunk = large.reshape(40, 28, 4, 28, 4, 3).mean(axis=(2, 4))
    same = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(small, shrunk, strict=True)]
    other = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(small, np.roll(shrunk, 1, axis=0), strict=True)]
    assert min(same) > 0.95
    assert np.mean(other) < 0.8
    assert np.abs(small - shrunk).mean() < 5  # of 255


def test_the_same_seed_invents_the_same_patients() -> None:
    first, again, other = (draw_lesions(num_images=50, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(render(first, size=28), render(again, size=28))
    assert (render(first, size=28) != render(other, size=28)).mean() > 0.9


def test_views_of_a_patient_share_the_lesion_but_not_the_picture(lesions: Lesions) -> None:
    patient = np.flatnonzero(np.bincount(lesions.patient) >= 3)[0]
    views = lesions.take(np.flatnonzero(lesions.patient == patient))
    for name in ("radius", "melanin", "texture_u", "skin_melanin", "label"):
        assert len(set(getattr(views, name).tolist())) == 1
    for name in ("rotation", "zoom", "exposure", "hair_seed"):
        assert len(set(getattr(views, name).tolist())) == len(views.patient)


def _means(lesions: Lesions, **replaced: float) -> tuple[np.ndarray, np.ndarray]:
    """Paints photographs with and without a change; returns both as fractions of white, mean over colours."""
    changed = replace(
        lesions, **{name: np.full_like(getattr(lesions, name), value) for name, value in replaced.items()}
    )
    return render(lesions, size=56).mean(axis=-1) / 255, render(changed, size=56).mean(axis=-1) / 255


def test_hair_covers_thin_dark_lines(lesions: Lesions) -> None:
    hairy = replace(lesions, num_hairs=np.full_like(lesions.num_hairs, 8)).take(np.arange(30))
    before, after = _means(hairy, num_hairs=0)
    covered = (after - before) > 0.1
    assert 0.03 < covered.mean() < 0.4
    assert (before - after).max() < 0.02


def test_vignette_darkens_corners_only(lesions: Lesions) -> None:
    plain = replace(lesions, vignette=np.zeros_like(lesions.vignette)).take(
        np.flatnonzero(lesions.tube_radius > 2)[:30]
    )
    before, after = _means(plain, vignette=0.45)
    assert (before - after)[:, :4, :4].mean() > 0.1
    assert np.abs(before - after)[:, 26:30, 26:30].max() < 0.01


def test_light_is_uneven(lesions: Lesions) -> None:
    few = lesions.take(np.flatnonzero(lesions.tube_radius > 2)[:30])
    before, after = _means(few, light_x=0.3, light_y=0.0)
    ratio = after / np.maximum(before, 0.05)
    assert ratio[:, 20:36, -4:].mean() > ratio[:, 20:36, :4].mean() + 0.2


def test_the_tube_leaves_a_black_edge(lesions: Lesions) -> None:
    _, after = _means(lesions.take(np.arange(20)), tube_radius=1.1)
    assert after[:, :3, :3].max() < 0.1
    assert after[:, 26:30, :].mean() > 0.2


@pytest.mark.parametrize("trait", ["asymmetry", "irregularity", "variegation", "radius", "melanin", "veil"])
def test_no_single_trait_decides(trait: str) -> None:
    from sklearn.metrics import roc_auc_score

    lesions = draw_lesions(num_images=8000, seed=7)
    assert 0.6 < roc_auc_score(lesions.label, getattr(lesions, trait)) < 0.88


def test_some_labels_are_wrong() -> None:
    """Even an attacker who knows every trait's exact value cannot order all lesions."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    lesions = draw_lesions(num_images=8000, seed=7)
    names = ("asymmetry", "irregularity", "variegation", "radius", "melanin", "veil")
    traits = np.log(np.stack([getattr(lesions, name) for name in names], axis=1) + 0.05)
    scores = LogisticRegression().fit(traits, lesions.label).decision_function(traits)
    assert LABEL_NOISE == 0.03
    assert 0.90 < roc_auc_score(lesions.label, scores) < 0.98


def test_attack_records_are_training_images_painted_larger(phantom: Dataset) -> None:
    attack = datasets.load_attack_records("skin_phantom")
    assert attack.records.shape == (300, 128, 128, 3)
    assert attack.records.dtype == np.uint8
    assert attack.may_show
    assert "Synthetic" in attack.source
    small = (phantom.features[phantom.split.train[:300]] + 1) / 2
    shrunk = attack.records[:, 2:-2, 2:-2].mean(axis=(1, 2)) / 255
    assert np.corrcoef(small.mean(axis=(2, 3)).ravel(), shrunk.ravel())[0, 1] > 0.95
