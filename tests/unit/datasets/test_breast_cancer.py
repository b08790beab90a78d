from __future__ import annotations

import numpy as np

from dpcore import datasets
from dpcore.datasets.breast_cancer import scale


def test_patients_and_labels() -> None:
    dataset = datasets.load("breast_cancer")
    assert dataset.features.shape == (569, 30)
    assert dataset.features.dtype == np.float32
    assert dataset.labels.sum() == 212  # malignant, as the source says
    assert len(np.unique(dataset.groups)) == 569


def test_a_record_is_scaled_without_a_look_at_the_others() -> None:
    from sklearn.datasets import load_breast_cancer

    measurements = load_breast_cancer().data
    together = scale(measurements)
    alone = np.concatenate([scale(row[None]) for row in measurements[:20]])
    np.testing.assert_array_equal(together[:20], alone)
    assert np.abs(together).max() < 4.5
    assert 0.5 < together.std(axis=0).min() < together.std(axis=0).max() < 2


def test_the_records_can_be_learned() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    dataset = datasets.load("breast_cancer")
    train, test = dataset.split.train, dataset.split.test
    model = LogisticRegression(C=0.1).fit(dataset.features[train], dataset.labels[train])
    assert roc_auc_score(dataset.labels[test], model.decision_function(dataset.features[test])) > 0.97


def test_attack_records_are_training_records() -> None:
    dataset, attack = datasets.load("breast_cancer"), datasets.load_attack_records("breast_cancer")
    assert attack.records.shape == (300, 30)
    assert attack.records.dtype == np.float32
    assert not attack.may_show
    train = {row.tobytes() for row in dataset.features[dataset.split.train]}
    assert all(row.tobytes() in train for row in attack.records)
