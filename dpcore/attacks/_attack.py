"""What the imprint attack on single records and that on batches share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpcore._validate import non_negative, positive, whole
from dpcore.attacks._records import kind_of, worth_attacking
from dpcore.attacks.reading import averaged_noise_std
from dpcore.attacks.scores import AttackScores, score_records
from dpcore.errors import InvalidValue


class RecordAttack(ABC):
    """An attack on a set of records; see the two kinds for what the arguments mean."""

    #: Records whose clipped gradients are added up before the noise.
    batch_size = 1
    #: Smallest share of a record's squared gradient norm in the planted layer, 0 … 1; 1 in closed form.
    clip_share = 1.0

    def __init__(self, records: NDArray[Any], seed: int, *, max_grad_norm: float, pixel_offset: float) -> None:
        self._kind = kind_of(records)
        self._seed = whole(0, seed=seed)
        self._max_grad_norm = positive(max_grad_norm=max_grad_norm)
        self._offset = non_negative(pixel_offset=pixel_offset)
        self.records = records
        #: (n,) False for the pictures left out.
        self.attacked = worth_attacking(records)
        self._index = np.flatnonzero(self.attacked)

    @property
    def candidates(self) -> int:
        """Number of records attacked, which are also the candidates to match."""
        return len(self._index)

    @abstractmethod
    def reconstruct(
        self, *, noise_multiplier: float, looks: int, index: Sequence[int] | None = None, denoiser: str = "none"
    ) -> NDArray[Any]:
        """Returns rebuilt records, uint8 or float32, shaped like those attacked."""

    @abstractmethod
    def matched(self, *, noise_multiplier: float, looks: int) -> NDArray[np.bool_]:
        """Returns (m,) for the attacked records: named rightly by the attacker who must only match?"""

    def scores(self, *, noise_multiplier: float, looks: int, denoiser: str = "none") -> AttackScores:
        """Returns how well the attack does on every record; arguments and errors as `reconstruct`."""
        rebuilt = self.reconstruct(noise_multiplier=noise_multiplier, looks=looks, denoiser=denoiser)
        return self.scores_of(rebuilt, noise_multiplier=noise_multiplier, looks=looks)

    def scores_of(self, rebuilt: NDArray[Any], *, noise_multiplier: float, looks: int) -> AttackScores:
        """Returns the scores of what `reconstruct` gave for all attacked records at this setting."""
        return score_records(
            self.records,
            rebuilt,
            attacked=self.attacked,
            matched=self.matched(noise_multiplier=noise_multiplier, looks=looks),
            noise_multiplier=float(noise_multiplier),
            looks=int(looks),
            candidates=self.candidates,
            clip_share=self.clip_share,
            batch_size=self.batch_size,
        )

    def _noise_std(self, noise_multiplier: float, looks: int) -> float:
        return averaged_noise_std(
            noise_multiplier=non_negative(noise_multiplier=noise_multiplier),
            max_grad_norm=self._max_grad_norm,
            looks=whole(looks=looks),
        )

    def _rows(self, index: Sequence[int] | None) -> NDArray[np.int64]:
        """Places among the attacked records of places in `records`; all by default."""
        if index is None:
            return np.arange(self.candidates)
        for i in index:
            if whole(0, index=i) >= len(self.attacked) or not self.attacked[i]:
                raise InvalidValue(f"index must name attacked records, but {i} is beyond them or was left out.")
        return np.searchsorted(self._index, np.asarray(index, dtype=np.int64))
