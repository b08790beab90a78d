"""What is wrong with a claim, in a sentence for a clinician and one for an engineer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: "void": the guarantee claimed does not hold. "weak": something holds, but less than claimed, or it is not proven.
#: "note": good to know.
Severity = Literal["void", "weak", "note"]
SEVERITIES: tuple[Severity, ...] = ("void", "weak", "note")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One reason, the field of the file it rests on, and where to read about it."""

    name: str
    severity: Severity
    text: str
    engineer: str
    field: str
    source: str


ABADI = "Abadi et al. (CCS 2016), Algorithm 1"
PONOMAREVA = "Ponomareva et al. (JAIR 2023)"
OPACUS = "Opacus documentation, PrivacyEngine"
FLOWER = "Flower documentation, differential privacy"
NVFLARE = "NVFlare documentation and source, app_common/filters"
