"""The metrics page, and everything that names its metrics: the docs, the alerts, the dashboard."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from chat.connection.loop_counters import LoopCounters
from chat.protocol import ErrNo, MsgType
from chat.status.metrics import MetricsPage
from tests.chat.loopkit import PROJECT
from tests.chat.status.conftest import Stage

ALERTS = PROJECT / "conf" / "prometheus" / "alerts.yml"
DASHBOARD = PROJECT / "conf" / "grafana" / "chat.json"

FUNCTIONS = set(
    "and by changes count histogram_quantile increase instance le loop max on or rate sum unless "
    "label_values request error way reason kind".split()
)
"""The words of PromQL in our expressions that are no metrics, and the labels after ``by``."""

NOT_OURS = {"up"}
"""Made by Prometheus itself."""


def page(stage: Stage) -> str:
    """A page on which every metric and every label has occurred."""
    counters = LoopCounters("another loop")
    for kind in MsgType:
        counters.requests[kind] += 1
        for errno in ErrNo:
            counters.refuse(kind, errno)
    stage.node.server.counters[object()] = counters  # type: ignore[index]
    stage.samples.rows = 7
    text = MetricsPage(stage.watched).text().decode()
    assert isinstance(text, str)
    return text


@pytest.fixture
def text(stage: Stage) -> Iterator[str]:
    yield page(stage)


def series(text: str) -> dict[str, dict[str, set[str]]]:
    """The names of the samples on a page, with the values of their labels."""
    found: dict[str, dict[str, set[str]]] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, braces, labels = line.rpartition(" ")[0].partition("{")
            values = found.setdefault(name, {})
            for label, value in re.findall(r'(\w+)="([^"]*)"', labels) if braces else ():
                values.setdefault(label, set()).add(value)
    return found


def expressions() -> list[str]:
    """The expressions of the alerts and of the dashboard."""
    alerts = re.findall(r"^ +expr: (.+)$", ALERTS.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(alerts) == ALERTS.read_text(encoding="utf-8").count("- alert:") > 15
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    shown = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(shown) > 25
    return alerts + shown


def selectors(expression: str) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """The metrics of an expression, each with its conditions: label, operator, value."""
    plain = re.sub(r"\[[^]]*\]", "", expression)
    for name, labels in re.findall(r"\b([a-z_]\w*)\b(?!\s*\()(?:\{([^}]*)\})?", plain):
        if name not in FUNCTIONS:
            yield name, re.findall(r'(\w+)(=~|=)"([^"]*)"', labels)


@pytest.mark.parametrize("expression", expressions())
def test_alerts_and_dashboard_use_metrics_that_exist(stage: Stage, expression: str) -> None:
    if stage.node.database.folder is None and "free_bytes" in expression:
        return  # only SQLite has it
    real = series(page(stage))
    used = list(selectors(expression))
    assert used
    for name, conditions in used:
        assert name in real.keys() | NOT_OURS
        for label, operator, value in conditions:
            if label in ("job", "instance"):  # Prometheus adds them
                continue
            for word in value.split("|") if operator == "=~" else [value]:
                assert word in real[name].get(label, ()), f"{name}{{{label}}} is never {word!r}"


def test_selectors_finds_the_metrics_of_an_expression() -> None:
    text = 'sum by (instance, le) (rate(a_b{x="1",y=~"p|q"}[5m])) / on (le) c > 1e9'
    found = list(selectors(text))
    assert found == [("a_b", [("x", "=", "1"), ("y", "=~", "p|q")]), ("c", [])]


def test_every_metric_is_in_the_documents(stage: Stage, text: str) -> None:
    families = {
        name if kind != "counter" else f"{name.removesuffix('_total')}_total"
        for name, kind in re.findall(r"^# TYPE (chat_\w+) (\w+)$", text, re.MULTILINE)
    }
    if stage.node.database.folder is None:
        families.add("chat_database_free_bytes")
    for guide in ("docs/deploy.md", "docs/zh/deploy.md"):
        rows = re.findall(r"^\| (`chat_.*?) \|", (PROJECT / guide).read_text(), re.MULTILINE)
        listed = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
        assert sorted(listed) == sorted(families), guide


def test_refusals_have_the_names_of_the_protocol(text: str) -> None:
    assert 'chat_refusals_total{error="TOO_MANY",request="LOGIN_MSG"} 1.0' in text


def test_a_histogram_is_cumulative(stage: Stage) -> None:
    lag = stage.lags["main"].seconds
    for seconds in (0.0001, 0.02, 0.02, 99):
        lag.observe(seconds)
    text = page(stage)
    for bound, count in (("0.0005", 1), ("0.01", 1), ("0.025", 3), ("10", 3), ("+Inf", 4)):
        assert f'chat_loop_lag_seconds_bucket{{le="{bound}",loop="main"}} {count}.0' in text
    assert 'chat_loop_lag_seconds_count{loop="main"} 4.0' in text


def test_promtool_accepts_the_rules_and_their_tests() -> None:
    """scripts/autobuild.sh installs it if it can. The other tests here need no promtool."""
    assert ALERTS.with_name("alerts_test.yml").exists()
    promtool = shutil.which("promtool")
    if promtool is None:
        return
    for command in (
        ["check", "rules", "alerts.yml"],
        ["check", "config", "prometheus.yml"],
        ["test", "rules", "alerts_test.yml"],
    ):
        done = subprocess.run(
            [promtool, *command],
            cwd=ALERTS.parent,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test() -> None:
    names = re.findall(r"- alert: (\w+)", ALERTS.read_text(encoding="utf-8"))
    tested = re.findall(
        r"alertname: (\w+)", ALERTS.with_name("alerts_test.yml").read_text(encoding="utf-8")
    )
    assert len(set(names)) == len(names)
    assert sorted(tested) == sorted([*names, *names])  # one that fires, and one that does not
