from __future__ import annotations

import sys
from pathlib import Path

# The helpers beside the tests are importable under every import mode of pytest.
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "e2e"))
