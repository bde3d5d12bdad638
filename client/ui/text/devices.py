"""The user's devices as text. Pure."""

from __future__ import annotations

from client.ui.text import times
from client.ui.text.cells import one_line
from client.ui.text.styled_line import Line
from client.ui.text.translations import Translations
from client.values import Device

_DAY, _MINUTE = len("YYYY-MM-DD"), len("YYYY-MM-DD HH:MM")


def device_name(device: Device, texts: Translations) -> str:
    """The label of a device, escaped; a general name if it has none."""
    if device.label:
        return one_line(device.label)
    return texts("unnamed device" if device.id == 0 else "device", id=device.id)


def device_row(device: Device, texts: Translations) -> Line:
    """A device as a line of a list."""
    state = "this device" if device.this else "state online" if device.online else "state offline"
    used = [
        texts("device used", first=_short(device.first, _DAY), last=_short(device.last, _MINUTE))
    ]
    parts = [texts(state), *(used if device.first else [])]
    number = ("class:help.key", f"{device.id:>10}  ")
    return [number, ("", device_name(device, texts)), ("class:note", "  " + "  ".join(parts))]


def device_used(device: Device) -> str:
    """The local time of the last login of a device."""
    return _short(device.last, _MINUTE)


def _short(time_text: str, length: int) -> str:
    moment = times.parse(time_text)
    return one_line(time_text) if moment is None else times.to_text(moment)[:length]
