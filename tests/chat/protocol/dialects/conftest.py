"""Makes the helpers beside the tests importable under every import mode of pytest."""

from __future__ import annotations
