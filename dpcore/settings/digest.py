"""A short name for settings: the same settings, the same name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any


def settings_hash(settings: Any) -> str:
    """Returns 16 hexadecimal digits that change when any setting changes; settings are dataclasses or JSON values."""
    plain = asdict(settings) if hasattr(settings, "__dataclass_fields__") else settings
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]
