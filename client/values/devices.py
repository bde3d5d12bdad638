"""The devices of the user, as the server reports them. Immutable."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the user: an installation of a client, with its own mailbox.

    Attributes:
        id: the number of the device; 0: the unnamed one, of clients that know no devices.
        label: the name of the device for its owner, not escaped; it may be empty.
        first: the time of its first login, as it stands on the wire.
        last: the time of its last login, as it stands on the wire.
        online: whether it is logged in.
        this: whether it is the device of this client.
    """

    id: int
    label: str
    first: str
    last: str
    online: bool
    this: bool


@dataclass(frozen=True, slots=True)
class DeviceNotice:
    """A notice: another device of this user has logged in for the first time, or has ended.

    Attributes:
        event: "new", "ended", or a newer word.
        id: the number of the device.
        label: the name of the device, not escaped; empty for "ended".
        first: the time of its first login, as it stands on the wire.
    """

    event: str
    id: int
    label: str = ""
    first: str = ""
