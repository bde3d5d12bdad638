"""Makes the helpers of this folder importable, under every import mode of pytest."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from commitkit import CommitDesk
from loopkit import Passes

from chat.db import Database


@pytest.fixture
def commits(database: Database, passes: Passes) -> CommitDesk:
    """A commit queue on a real database."""
    return CommitDesk(database, passes)
