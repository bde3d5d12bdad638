"""Each attack runs against real servers, and the witnesses are measured. No figure is judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.attacks.__main__ import misses
from bench.attacks.kinds import KINDS, SOURCES
from bench.attacks.trial import Trial
from bench.attacks.witness import Findings
from tests.bench.test_bench import figures, run

pytestmark = pytest.mark.timeout(300)

SENDS_NOTHING = {"connect-close", "tls-silence"}
WITHOUT_TLS = [name for name, kind in KINDS.items() if not kind.tls]
PARTS = [
    (WITHOUT_TLS[::2], "one"),
    (WITHOUT_TLS[1::2], "one"),
    ([name for name, kind in KINDS.items() if kind.tls], "loopback"),
]
"""All kinds in parts, for tests that run side by side."""


def attack(kinds: list[str], sources: list[str], tmp_path: Path) -> list[dict[str, object]]:
    """Run the attacks with few connections for a moment; returns the figures of the trials."""
    result = tmp_path / "figures.json"
    text = run(
        "attacks",
        *("--kinds", ",".join(kinds), "--sources", ",".join(sources)),
        *("--connections", "3", "--seconds", "0.3", "--json", str(result)),
    )
    assert all(f"| {kind} " in text for kind in kinds)
    found: list[dict[str, object]] = figures(result)["trials"]
    return found


@pytest.mark.parametrize(("kinds", "source"), PARTS)
def test_each_attack_runs(kinds: list[str], source: str, tmp_path: Path) -> None:
    trials = attack(kinds, [source], tmp_path)
    assert [trial["kind"] for trial in trials] == kinds
    for trial in trials:
        name, counts = trial["kind"], trial["attack"]
        assert isinstance(counts, dict)
        assert counts["opened"] > 0, name
        assert (counts["bytes_out"] > 0) or name in SENDS_NOTHING, name
        for window in ("before", "beside", "under"):
            findings = trial[window]
            assert isinstance(findings, dict)
            assert findings["sent"] > 0, name
            assert findings["logins"], name


def test_an_attack_from_many_addresses_runs(tmp_path: Path) -> None:
    trials = attack(["ping"], ["many"], tmp_path)
    assert [trial["source"] for trial in trials] == ["many"]


def trial(under: Findings) -> Trial:
    beside = Findings(sent=3, deliveries=[9.0, 10.0, 11.0])
    return Trial("ping", SOURCES[0], beside, beside, under, {}, 0, 0, 0.0)


def test_a_missed_aim_is_named() -> None:
    assert not misses(trial(Findings(sent=2, deliveries=[19.0, 20.0], logins=[2999.0])))
    for under, words in (
        (Findings(deliveries=[30.0, 40.0]), "p99"),
        (Findings(lost=1), "1 lost"),
        (Findings(refused=1), "1 refused"),
        (Findings(logins=[3001.0]), "took 3.0 s"),
        (Findings(failed_logins=["8: busy"]), "1 logins failed"),
    ):
        found = misses(trial(under))
        assert len(found) == 1
        assert words in found[0]
