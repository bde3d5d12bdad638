"""Python runs this at the start of each program that a test with delays starts."""

import os

import random_delays  # type: ignore[import-not-found]

if seed := os.environ.get(random_delays.VARIABLE):
    random_delays.install(seed)
