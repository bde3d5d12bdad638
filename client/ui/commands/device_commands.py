"""DeviceCommands: the commands about the user's own devices."""

from __future__ import annotations

from client.ui.commands.command_group import RequestCommands
from client.ui.model.command_line import InputError
from client.ui.text.cells import one_line
from client.ui.text.devices import device_row
from client.values import Device

_DIGITS = 10
"""The length of the highest number of a device."""


class DeviceCommands(RequestCommands):
    """Lists the devices, and ends one. The terminal's thread."""

    def show(self) -> None:
        """Show the devices as a page."""

        def done(devices: tuple[Device, ...]) -> None:
            texts = self._context.state.texts
            self._show_page("devices title", [device_row(device, texts) for device in devices])

        self._request(self._context.client.devices, done=done)

    def end(self, text: str) -> None:
        """End a device, after a question if it is this one. ``text``: its number."""
        if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
            raise InputError("device number", text=one_line(text))
        number = int(text)
        self._need_connection()
        account = self._context.client.account
        if account is None or number != account.device_id:
            self._end(number)
        else:
            sure = self._context.state.texts("end this device sure")
            self._context.state.ask(sure, lambda: self._end(number))

    def _end(self, number: int) -> None:
        def done(nothing: None) -> None:
            self._context.notice("device ended", id=number)

        def not_found() -> None:
            self._context.notice("no such device", failed=True, id=number)

        self._request(self._context.client.end_device, number, done=done, not_found=not_found)
