"""Which pictures stand beside which dataset: never a real patient's."""

from __future__ import annotations

import numpy as np
import pytest

from dpcore import datasets
from dpcore.attacks.gallery import stand_in_pictures
from dpcore.attacks.shown import LIVE_PICTURES, live_pictures, shown_pictures
from dpcore.errors import InvalidValue


def test_only_pictures_that_may_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even with real data at hand, only phantoms are ever asked for their pictures."""
    asked: list[str] = []
    real = datasets.load_attack_records

    def noted(name: str) -> object:
        asked.append(name)
        return real(name)

    monkeypatch.setattr(datasets, "load_attack_records", noted)
    for name in ("ham10000", "pneumonia_mnist"):
        shown = shown_pictures(name)
        assert shown.stand_in
        np.testing.assert_array_equal(shown.records, stand_in_pictures().records)
    assert not asked
    assert not shown_pictures("skin_phantom").stand_in
    assert asked == ["skin_phantom"]
    assert real("skin_phantom").may_show


def test_live_pictures_are_sixteen_of_distinct_brightness() -> None:
    shown = live_pictures("ham10000")
    assert shown.records.shape == (LIVE_PICTURES, 128, 128, 3)
    brightness = shown.records.mean(axis=(1, 2, 3))
    assert len(set(brightness.round(3))) == LIVE_PICTURES
    np.testing.assert_array_equal(shown.records[:8], stand_in_pictures().records)


def test_tables_have_no_pictures() -> None:
    with pytest.raises(InvalidValue, match="breast_cancer"):
        shown_pictures("breast_cancer")
