"""Makes the helpers of this folder importable, under every import mode of pytest."""

from __future__ import annotations

import pytest

from chat.delivery import commit_queue
from chat.storage import Database
from tests.chat.delivery.commitkit import CommitDesk, Sender
from tests.chat.loopkit import Passes


@pytest.fixture
def commits(database: Database, passes: Passes, monkeypatch: pytest.MonkeyPatch) -> CommitDesk:
    """A commit queue on a real database."""
    monkeypatch.setattr(commit_queue, "tell_sender", Sender.tell)
    return CommitDesk(database, passes)
