"""How long work reports how far it is."""

from __future__ import annotations

from collections.abc import Callable

#: Called with (done, total, what) whenever a unit of work is finished.
OnProgress = Callable[[int, int, str], None]
