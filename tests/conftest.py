"""For all tests: the signals that a script in the background takes away."""

from __future__ import annotations

import signal

# A shell starts background jobs with SIGINT ignored, and nohup ignores SIGHUP. Every program that
# the tests start would inherit that, and a test that ends one by such a signal would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
