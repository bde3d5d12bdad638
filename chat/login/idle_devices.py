"""IdleDevices: ends the devices that were not online for a number of days.

Their mailboxes and gaps would grow for ever. The last device of a user stays, whatever its age: it
is the one with the latest login. Each server of a cluster makes a pass every hour; each change
locks the user and looks again, so two passes at once do no harm.
"""

from __future__ import annotations

import logging
from functools import partial

from chat.login.device_notices import DeviceNotices
from chat.login.device_rows import delete_devices
from chat.process.clock import Clock
from chat.storage import Database, Transaction
from chat.storage.tables import DeviceModel, SeenDevice, UserModel

log = logging.getLogger(__name__)

PASS_SECONDS = 3600.0
"""Between two passes."""

DAY = 86_400


class IdleDevices:
    """See the module's text. ``end_idle``: a worker, one at a time."""

    def __init__(self, database: Database, clock: Clock, notices: DeviceNotices, days: int) -> None:
        """``days``: without a login, after which a device ends."""
        self._database = database
        self._clock = clock
        self._notices = notices
        self._seconds = days * DAY

    def change_days(self, days: int) -> None:
        """Use another number from the next pass on. Any thread."""
        self._seconds = days * DAY

    def end_idle(self) -> None:
        """Make a pass, in short transactions. Blocks. Raises StorageError.

        A device that is online counts as used now. Example: a phone is online for 61 days, and its
        connection breaks; it must not end before the next try to connect.
        """
        now, place, ended = self._clock.unix(), 0, 0
        while part := self._database.read(partial(_part, after=place)):
            place = part[-1].mailbox
            online = [seen.mailbox for seen in part if seen.online and seen.used < now - DAY]
            if online:
                self._database.write(partial(_note_used, mailboxes=online, now=now))
            idle = {seen.user_id for seen in part if not seen.online and self._is_old(seen, now)}
            for user_id in sorted(idle):
                gone = self._database.write(partial(self._end, user_id=user_id, now=now))
                ended += len(gone)
                for mailbox in gone:
                    self._notices.tell(user_id, mailbox)
        if ended:
            log.info("ended %d devices that were not used", ended)

    def _is_old(self, seen: SeenDevice, now: int) -> bool:
        return seen.used <= now - self._seconds

    def _end(self, tx: Transaction, user_id: int, now: int) -> list[int]:
        """End the idle devices of a user; returns their mailboxes."""
        UserModel(tx).find(user_id, lock=True)
        devices = DeviceModel(tx).of_user(user_id)
        latest = max(devices, key=lambda device: device.used, default=None)
        old = now - self._seconds
        idle = [
            device.mailbox
            for device in devices
            if device is not latest and device.node is None and device.used <= old
        ]
        if idle:
            delete_devices(tx, user_id, idle)
        return idle


def _part(tx: Transaction, after: int) -> list[SeenDevice]:
    return DeviceModel(tx).part(after)


def _note_used(tx: Transaction, mailboxes: list[int], now: int) -> None:
    DeviceModel(tx).note_all_used(mailboxes, now)
