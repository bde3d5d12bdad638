"""Makes the helpers of this folder importable, under every import mode of pytest."""

from __future__ import annotations

import pytest

from chat.delivery import submission
from chat.storage import Database
from tests.chat.delivery.commitkit import CommitDesk, Sender
from tests.chat.loopkit import Passes


@pytest.fixture
def commits(database: Database, passes: Passes, monkeypatch: pytest.MonkeyPatch) -> CommitDesk:
    """A commit queue on a real database."""
    monkeypatch.setattr(submission, "answer_sender", Sender.answer)
    return CommitDesk(database, passes)
