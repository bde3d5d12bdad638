"""DeviceMethods: the user's devices."""

from __future__ import annotations

from client.account.requester import Requester
from client.protocol import requests
from client.values import Device


class DeviceMethods:
    """A base of ChatClient."""

    _requester: Requester

    def devices(self) -> tuple[Device, ...]:
        """The devices of the user, this one included. Any thread; blocks.

        A server of version 0.2.0 refuses it (errno 4).
        """
        return self._requester.ask(requests.DEVICES)

    def end_device(self, device_id: int) -> None:
        """End a device: its saved login, its connection and its mailbox. Any thread; blocks.

        Its owner can log in there with the password, as on a new device. After the end of the own
        device the client is STOPPED. Raises RefusedError (errno 5) if there is no such device.
        """
        if type(device_id) is not int or device_id < 0:
            raise ValueError("the number of a device is an integer from 0 on")
        self._requester.ask(requests.END_DEVICE, deviceid=device_id)
