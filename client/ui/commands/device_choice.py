"""DeviceChoice: asks which device ends, if the account has too many."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from client.ui.commands.context import CommandContext
from client.ui.text.devices import device_name, device_used
from client.values import Device


class DeviceChoice:
    """Asks for one device after another. The terminal's thread."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context

    def ask(self, devices: Iterable[Device], chosen: Callable[[Device], None]) -> None:
        """Begin with the device that was not used for longest; calls ``chosen`` after a yes."""
        self._ask_next(sorted(devices, key=lambda device: device.last), chosen)

    def _ask_next(self, devices: list[Device], chosen: Callable[[Device], None]) -> None:
        if not devices:
            return
        device, *others = devices
        texts = self._context.state.texts
        values = {"label": device_name(device, texts), "last": device_used(device)}
        self._context.state.ask(
            texts("end device sure", id=device.id, **values),
            lambda: chosen(device),
            lambda: self._ask_next(others, chosen),
        )
