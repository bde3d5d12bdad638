"""Makes the helpers of this folder importable, under every import mode of pytest."""

from __future__ import annotations
