"""The two tiers of tests: ``pytest --fast`` runs the unit tests only, with fewer examples each."""

from __future__ import annotations

from hypothesis import settings

_fast = False

FAST_SHARE = 10
"""The fast tier tries this fraction of a property test's examples: a tenth."""


def choose(*, fast: bool) -> None:
    """Set the tier, before tests are imported."""
    global _fast
    _fast = fast
    # The defaults of property tests. A deadline for each example would fail on a busy machine.
    count = examples(settings().max_examples)
    settings.register_profile("tier", max_examples=count, deadline=None)
    settings.load_profile("tier")


def examples(count: int) -> int:
    """How many examples hypothesis shall try: ``count``, or less in the fast tier."""
    return max(count // FAST_SHARE, 1) if _fast else count
