"""Makes the helpers of this folder importable, under every import mode of pytest."""

from __future__ import annotations

import pytest

from chat.storage import Database
from tests.chat.delivery.commitkit import CommitDesk
from tests.chat.loopkit import Passes


@pytest.fixture
def commits(database: Database, passes: Passes) -> CommitDesk:
    """A commit queue on a real database."""
    return CommitDesk(database, passes)
