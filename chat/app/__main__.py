"""``python -m chat.app`` is ``bin/chatserver``."""

import sys

from chat.app.executable import main

sys.exit(main())
