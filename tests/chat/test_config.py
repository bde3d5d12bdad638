"""Settings: the installed file has the built-in defaults, and each mistake is named."""

from __future__ import annotations

import dataclasses
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.config import (
    Config,
    ConfigError,
    check,
    parse_config,
)
from chat.config_values import MAXIMUM, MIN_CLASSIC_FRAME, MINIMUM
from tests.chat.loopkit import PROJECT
from tests.tiers import examples

SHIPPED = (PROJECT / "conf" / "chatserver.toml").read_text(encoding="utf-8")

KEYS = [
    (section.name, item.name)
    for section in dataclasses.fields(Config)
    for item in dataclasses.fields(getattr(Config(), section.name))
]
DEFAULTS: dict[tuple[str, str], Any] = {
    (section, key): getattr(getattr(Config(), section), key) for section, key in KEYS
}
NUMBERS = [key for key in KEYS if type(DEFAULTS[key]) in (int, float)]
MAXIMA = {tuple(key.split(".")): most for key, most in MAXIMUM.items()}
MINIMA = {tuple(key.split(".")): least for key, least in MINIMUM.items()}

MAY_BE_ZERO = [
    ("server", "threads"),
    ("server", "hash_threads"),
    ("server", "drain_seconds"),
    ("limits", "password_min"),
    ("chat", "retention_days"),
    ("server", "audit_days"),
    ("classic", "gap"),
    ("classic", "frame"),
]
CHOICES = {
    ("chat", "delivery"): ["stored", "direct"],
    ("chat", "on_duplicate_login"): ["refuse", "replace"],
    ("server", "log_level"): ["debug", "info", "warning", "error"],
    ("server", "log_format"): ["text", "json"],
}
OTHER_TYPES = {
    int: ["true", "1.0", '"1"', "[]", "{}"],
    float: ["true", '"1"', "[]", "{}"],
    str: ["true", "1", "1.0", "[]", "{}"],
    bool: ["1", "0", '"true"', "[]", "{}"],
    tuple: ["true", "1", "{}", "[1]", "[[]]"],
}


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(text)
    message = str(caught.value)
    assert message
    assert "\n" not in message
    return message


def one(section: str, key: str, value: str) -> str:
    return f"[{section}]\n{key} = {value}\n"


# ---------------------------------------------------------------------- the installed file


def test_the_shipped_file_is_the_defaults() -> None:
    assert parse_config(SHIPPED) == Config() == parse_config("")


def test_the_shipped_file_has_every_key() -> None:
    data = tomllib.loads(SHIPPED)
    assert {(section, key) for section, values in data.items() for key in values} == set(KEYS)


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_key_is_explained(section: str, key: str) -> None:
    """By a comment above the key, or above its group of keys."""
    lines = SHIPPED.split(f"[{section}]\n", 1)[1].split("\n[", 1)[0].splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith(f"{key} = ")]
    above = [line for line in lines[:at][::-1] if not is_key(line)]
    assert above, f"nothing stands above {key}"
    assert above[0].startswith("#")
    assert len(above[0]) > 5


def is_key(line: str) -> bool:
    return " = " in line and not line.startswith("#")


def test_every_choice_is_explained() -> None:
    for values in CHOICES.values():
        for value in values:
            assert value in SHIPPED


# ---------------------------------------------------------------------- good values


def test_absent_keys_keep_their_defaults() -> None:
    config = parse_config(one("server", "workers", "9"))
    assert config.server == dataclasses.replace(Config().server, workers=9)
    assert config.chat == Config().chat
    assert parse_config("[server]\n") == Config()


@pytest.mark.parametrize(("section", "key"), NUMBERS)
def test_numbers_are_taken(section: str, key: str) -> None:
    usual = MIN_CLASSIC_FRAME if key == "frame" else 77
    value = max(min(usual, MAXIMA[section, key]), MINIMA.get((section, key), 1))
    config = parse_config(one(section, key, str(value)))
    assert getattr(getattr(config, section), key) == value


@pytest.mark.parametrize(("section", "key"), CHOICES)
def test_choices_are_taken(section: str, key: str) -> None:
    for value in CHOICES[section, key]:
        config = parse_config(one(section, key, f'"{value}"'))
        assert getattr(getattr(config, section), key) == value


def test_other_values_are_taken() -> None:
    # As version 0.2.0 wrote it.
    assert parse_config(one("chat", "registration", "false")).chat.registration == "closed"
    assert parse_config(one("chat", "registration", "true")).chat.registration == "open"
    assert parse_config(one("database", "url", '"sqlite:////x"')).database.url == "sqlite:////x"
    assert parse_config(one("server", "drain_seconds", "0.5")).server.drain_seconds == 0.5


@pytest.mark.parametrize(("section", "key"), MAY_BE_ZERO)
def test_numbers_that_may_be_zero(section: str, key: str) -> None:
    config = parse_config(one(section, key, "0"))
    assert getattr(getattr(config, section), key) == 0


# ---------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_a_wrong_type_is_refused_by_name(section: str, key: str) -> None:
    for value in OTHER_TYPES[type(DEFAULTS[section, key])]:
        if (section, key, value) in {("chat", "registration", b) for b in ("true", "false")}:
            continue  # as version 0.2.0 wrote it
        message = refused(one(section, key, value))
        assert message.startswith(f"{section}.{key}: must be ")


def test_arrays_of_strings() -> None:
    config = parse_config('[classic]\ndialects = ["tutorial", "my.toml"]\n')
    assert config.classic.dialects == ("tutorial", "my.toml")
    assert refused('[server]\nlisten = ["a", 5]\n') == "server.listen: must be an array of strings"


STRINGS = [
    (section, key)
    for section, key in KEYS
    if isinstance(getattr(getattr(Config(), section), key), str | tuple)
]


@pytest.mark.parametrize(("section", "key"), STRINGS)
def test_nul_is_refused_by_name(section: str, key: str) -> None:
    """No path can have a NUL: open would raise ValueError."""
    plain = isinstance(getattr(getattr(Config(), section), key), str)
    value = r'"a\u0000b"' if plain else r'["a", "a\u0000b"]'
    with pytest.raises(ConfigError, match=rf"^{section}\.{key}: must not contain NUL$"):
        parse_config(f"[{section}]\n{key} = {value}")


@pytest.mark.parametrize("value", ["2026-01-02", "12:00:00", "2026-01-02T12:00:00Z"])
def test_dates_are_refused(value: str) -> None:
    message = refused(one("server", "workers", value))
    assert message == "server.workers: must be an integer, not a date or time"


@pytest.mark.parametrize(("section", "key"), NUMBERS)
def test_too_small_a_number_is_refused_by_name(section: str, key: str) -> None:
    minimum = MINIMA.get((section, key), 1)
    for value in (minimum - 1, -(10**30)):
        message = refused(one(section, key, str(value)))
        assert message == f"{section}.{key}: must be at least {minimum}"
    shortest = ""
    if key == "password_max":
        shortest = "\npassword_min = 0\n[classic]\npassword_min = 1"
    parse_config(one(section, key, f"{minimum}{shortest}"))


@pytest.mark.parametrize(("section", "key"), NUMBERS)
def test_too_large_a_number_is_refused_by_name(section: str, key: str) -> None:
    most = MAXIMA[section, key]
    longest = "\n[limits]" if section == "classic" else ""
    longest += "\npassword_max = 4096"
    parse_config(one(section, key, f"{most}{longest if key == 'password_min' else ''}"))
    for value in (most + 1, 10**30):
        message = refused(one(section, key, str(value)))
        assert message == f"{section}.{key}: must be at most {most}"


@pytest.mark.parametrize("section", ["limits", "classic"])
def test_no_password_could_be_long_enough(section: str) -> None:
    text = f"[{section}]\npassword_min = 9\n" + "[limits]\n" * (section != "limits")
    message = refused(text + "password_max = 8\n")
    assert message == f"{section}.password_min: must be at most limits.password_max, which is 8"


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse_config("\ufeff[server]\nworkers = 3\n").server.workers == 3


def test_too_small_a_frame_for_classic_clients_is_refused() -> None:
    message = refused(one("classic", "frame", str(MIN_CLASSIC_FRAME - 1)))
    assert message == f"classic.frame: must be at least {MIN_CLASSIC_FRAME}, or 0 for no limit"


@pytest.mark.parametrize("name", ["", "berlin-1", "a.b_c:6000", "x" * 64])
def test_a_node_s_name(name: str) -> None:
    assert parse_config(one("server", "node", f'"{name}"')).server.node == name


@pytest.mark.parametrize("name", ["münchen", "berlin 1", " ", r"a\n", "a/b", "x" * 65])
def test_a_node_s_name_that_redis_would_not_take(name: str) -> None:
    message = refused(one("server", "node", f'"{name}"'))
    assert message == "server.node: must be up to 64 letters, digits and . _ : -"


@pytest.mark.parametrize("value", ["-0.1", "-inf", "inf", "nan", "1e300"])
def test_impossible_seconds_are_refused(value: str) -> None:
    assert "server.drain_seconds" in refused(one("server", "drain_seconds", value))


@pytest.mark.parametrize(("section", "key"), CHOICES)
def test_an_unknown_choice_is_refused_with_those_there_are(section: str, key: str) -> None:
    for wrong in ("", "STORED", "Info", "no"):
        message = refused(one(section, key, f'"{wrong}"'))
        assert message == f"{section}.{key}: must be one of {', '.join(CHOICES[section, key])}"


@pytest.mark.parametrize("section", [field.name for field in dataclasses.fields(Config)])
def test_an_unknown_key_is_refused_by_name(section: str) -> None:
    assert refused(one(section, "colour", "1")) == f"unknown key {section}.colour"


def test_an_unknown_section_is_refused_by_name() -> None:
    assert refused("[colours]\n") == "unknown section [colours]"
    assert refused("colours = 1\n") == "unknown section [colours]"
    assert refused("[[server]]\n") == "server: is a section, not a value"


def test_a_section_that_is_a_value() -> None:
    assert refused("server = 1\n") == "server: is a section, not a value"


@pytest.mark.parametrize("text", ["[server", "a", "a = ", "[server]\nworkers = 1\nworkers = 2\n"])
def test_text_that_is_not_toml(text: str) -> None:
    assert "line" in refused(text) or "document" in refused(text)


def test_check_is_for_values_from_elsewhere_too() -> None:
    good = Config()
    assert check(good) is good
    bad = dataclasses.replace(good, server=dataclasses.replace(good.server, workers=0))
    with pytest.raises(ConfigError, match=r"server\.workers: must be at least 1"):
        check(bad)


@given(st.text(max_size=60))
@settings(max_examples=examples(200), deadline=None, database=None)
def test_no_text_raises_anything_else(text: str) -> None:
    for candidate in (text, f"[server]\n{text}", f"[server]\nworkers = {text}"):
        try:
            parse_config(candidate)
        except ConfigError:
            pass


def test_settings_cannot_be_changed_later() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().server.workers = 3  # type: ignore[misc]
