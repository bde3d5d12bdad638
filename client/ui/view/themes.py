"""The colours for a dark and a light terminal, as prompt_toolkit's style classes. Pure.

Important classes are also bold, reverse or underlined. With ``NO_COLOR`` they differ by that alone.
"""

from __future__ import annotations

from collections.abc import Mapping

NAME_COLOURS = 8
"""The number of colours for names. More colours would look alike."""

_COMMON = {
    "title": "bold",
    "title.state": "nobold",
    "list.title": "bold",
    "list.current": "reverse",
    "list.unread": "bold",
    "list.mention": "bold underline",
    "status": "reverse",
    "status.alert": "bold",
    "banner": "bold reverse",
    "notice": "",
    "notice.error": "bold",
    "name": "bold",
    "name.me": "bold",
    "mention": "bold underline",
    "link": "underline",
    "match": "reverse",
    "match.found": "reverse bold",
    "divider": "bold",
    "mark.failed": "bold",
    "prompt": "bold",
    "question": "bold",
    "help.title": "bold",
    "help.key": "bold",
    "form.title": "bold",
    "form.tab": "",
    "form.tab.on": "reverse bold",
    "form.field": "underline",
    "form.line": "",
    "form.line.failed": "bold",
    "completion-menu": "noinherit reverse",
    "completion-menu.completion": "noinherit reverse",
    "completion-menu.completion.current": "noinherit bold",
    "completion-menu.meta.completion": "noinherit reverse",
    "completion-menu.meta.completion.current": "noinherit bold",
}

_DARK = {
    "time": "fg:#8a8a8a",
    "date": "fg:#8a8a8a",
    "note": "fg:#8a8a8a",
    "frame": "fg:#585858",
    "title": "bold fg:#ffffff bg:#303030",
    "title.state": "nobold fg:#afafaf bg:#303030",
    "online": "fg:#5faf5f",
    "offline": "fg:#6c6c6c",
    "list.current": "noreverse bg:#444444 fg:#ffffff bold",
    "list.unread": "bold fg:#ffd75f",
    "list.mention": "bold fg:#ff8787",
    "list.time": "fg:#8a8a8a",
    "status": "noreverse fg:#bcbcbc bg:#303030",
    "status.alert": "bold fg:#ffd75f bg:#303030",
    "banner": "noreverse bold fg:#000000 bg:#d7af5f",
    "notice": "fg:#87afd7",
    "notice.error": "bold fg:#ff8787",
    "mention": "bold fg:#ff8787",
    "match": "noreverse fg:#000000 bg:#d7af5f",
    "match.found": "noreverse bold fg:#000000 bg:#ffd75f",
    "divider": "bold fg:#ff8787",
    "mark.sending": "fg:#d7af5f",
    "mark.stored": "fg:#5faf5f",
    "mark.read": "fg:#5faf5f",
    "mark.failed": "bold fg:#ff8787",
    "name.me": "bold fg:#bcbcbc",
    "form.field": "nounderline bg:#303030",
    "form.line.failed": "bold fg:#ff8787",
    "help.title": "bold fg:#ffd75f",
    "help.key": "bold fg:#87afd7",
    "completion-menu": "noreverse bg:#444444 fg:#dadada",
    "completion-menu.completion": "noreverse bg:#444444 fg:#dadada",
    "completion-menu.completion.current": "noreverse bg:#87afd7 fg:#000000",
    "completion-menu.meta.completion": "noreverse bg:#444444 fg:#afafaf",
    "completion-menu.meta.completion.current": "noreverse bg:#87afd7 fg:#000000",
}
_DARK_PEOPLE = (
    *("#5fafff", "#5fd787", "#ffaf5f", "#d787d7"),
    *("#5fd7d7", "#d7d75f", "#ff87af", "#afafff"),
)

_LIGHT = {
    "time": "fg:#767676",
    "date": "fg:#767676",
    "note": "fg:#767676",
    "frame": "fg:#b2b2b2",
    "title": "bold fg:#000000 bg:#d7d7d7",
    "title.state": "nobold fg:#4e4e4e bg:#d7d7d7",
    "online": "fg:#008700",
    "offline": "fg:#8a8a8a",
    "list.current": "noreverse bg:#d0d0d0 fg:#000000 bold",
    "list.unread": "bold fg:#af5f00",
    "list.mention": "bold fg:#d70000",
    "list.time": "fg:#767676",
    "status": "noreverse fg:#303030 bg:#d7d7d7",
    "status.alert": "bold fg:#af0000 bg:#d7d7d7",
    "banner": "noreverse bold fg:#000000 bg:#ffd787",
    "notice": "fg:#005faf",
    "notice.error": "bold fg:#d70000",
    "mention": "bold fg:#d70000",
    "match": "noreverse fg:#000000 bg:#ffd787",
    "match.found": "noreverse bold fg:#000000 bg:#ffaf5f",
    "divider": "bold fg:#d70000",
    "mark.sending": "fg:#af5f00",
    "mark.stored": "fg:#008700",
    "mark.read": "fg:#008700",
    "mark.failed": "bold fg:#d70000",
    "name.me": "bold fg:#4e4e4e",
    "form.field": "nounderline bg:#e4e4e4",
    "form.line.failed": "bold fg:#d70000",
    "help.title": "bold fg:#af5f00",
    "help.key": "bold fg:#005faf",
    "completion-menu": "noreverse bg:#e4e4e4 fg:#303030",
    "completion-menu.completion": "noreverse bg:#e4e4e4 fg:#303030",
    "completion-menu.completion.current": "noreverse bg:#005faf fg:#ffffff",
    "completion-menu.meta.completion": "noreverse bg:#e4e4e4 fg:#5f5f5f",
    "completion-menu.meta.completion.current": "noreverse bg:#005faf fg:#ffffff",
}
_LIGHT_PEOPLE = (
    *("#005faf", "#00875f", "#af5f00", "#8700af"),
    *("#008787", "#878700", "#af005f", "#5f5faf"),
)


def _theme(colours: Mapping[str, str], people: tuple[str, ...]) -> dict[str, str]:
    names = {f"name.{number}": f"bold fg:{colour}" for number, colour in enumerate(people)}
    return {**_COMMON, **colours, **names}


THEMES: dict[str, dict[str, str]] = {
    "dark": _theme(_DARK, _DARK_PEOPLE),
    "light": _theme(_LIGHT, _LIGHT_PEOPLE),
}


def name_class(user_id: int) -> str:
    """The style class of a user's name, which depends on the id alone."""
    # Users with neighbouring ids are often friends; the factor gives them distant colours.
    return f"class:name.{user_id * 5 % NAME_COLOURS}"


def theme_of(environment: Mapping[str, str]) -> str:
    """The theme for the background in ``COLORFGBG``; dark without it."""
    background = environment.get("COLORFGBG", "").rpartition(";")[2]
    return "light" if background in {"7", "15"} else "dark"
