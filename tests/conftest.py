"""For all tests: the signals that a script in the background takes away."""

from __future__ import annotations

import signal

# A shell starts background jobs with SIGINT ignored. Python then installs no KeyboardInterrupt,
# and every program that the tests start inherits that: a test that ends one by SIGINT waits
# for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
