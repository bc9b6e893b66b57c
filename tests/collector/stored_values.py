"""The way back from stored JSON to Python values, as docs/store.md describes the forms."""

from __future__ import annotations

import base64
from typing import Any


def restored(stored: Any, *, top: bool = False) -> Any:
    """Undoes ``$double``, ``$bytes`` and the doubled ``$`` of keys in nested maps."""
    if isinstance(stored, list):
        return [restored(item) for item in stored]
    if not isinstance(stored, dict):
        return stored
    if not top and set(stored) == {"$double"}:
        return float(stored["$double"])
    if not top and set(stored) == {"$bytes"}:
        return base64.b64decode(stored["$bytes"])
    return {key if top else key.removeprefix("$"): restored(item) for key, item in stored.items()}
