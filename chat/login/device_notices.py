"""DeviceNotices: tells the named devices of a user that another one was opened, or has ended.

A notice is a hint, and may get lost. It has the number of the device only. The node of each device
that is told reads the row: without a row, the device has ended.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from chat.bus import Bus
from chat.login.registry import LoginRegistry
from chat.mailbox_number import device_of, is_named, mailbox_of
from chat.notice import DEVICE, Notice
from chat.process.clock import utc_text
from chat.protocol import Message, MsgType, encode
from chat.storage import Database, StorageError
from chat.storage.tables import DeviceModel
from muduopy import ThreadPool

log = logging.getLogger(__name__)


class DeviceNotices:
    """See the module's text. Any thread, unless a method says otherwise."""

    def __init__(
        self, database: Database, bus: Bus[Any], logins: LoginRegistry, workers: ThreadPool
    ) -> None:
        self._database = database
        self._bus = bus
        self._logins = logins
        self._workers = workers

    def tell(self, user_id: int, mailbox: int) -> None:
        """The device with this mailbox is new, or has ended. The change is committed."""
        number = device_of(mailbox)
        notice = Notice(user_id, DEVICE, (number,) if number else ())
        if self._bus.alone or not self._bus.healthy:
            self.heard(notice)
        else:  # the bus brings it to all nodes with a device of the user, this one included
            self._bus.tell([notice])

    def heard(self, notice: Notice) -> None:
        """Show a notice to the devices here. If the workers are busy, it is lost."""
        self._workers.try_run(partial(self._show, notice))

    def _show(self, notice: Notice) -> None:
        """Worker thread."""
        user_id, _, ids = notice
        number = ids[0] if ids else 0
        mailbox = mailbox_of(user_id, number)
        told = [
            login
            for login in self._logins.of_user(user_id)
            if is_named(login.mailbox) and login.mailbox != mailbox
        ]
        if not told:
            return
        try:
            devices = self._database.read(lambda tx: DeviceModel(tx).of_user(user_id))
        except StorageError as exc:
            log.warning("the devices of user %d were not told of another: %s", user_id, exc)
            return
        message: Message = {"msgid": int(MsgType.DEVICE_NOTICE_MSG), "deviceid": number}
        found = next((device for device in devices if device.mailbox == mailbox), None)
        if found is None:
            message["event"] = "ended"
        else:
            message.update(event="new", label=found.label, first=utc_text(found.first))
        frame = encode(message)
        for login in told:
            login.loop.queue_in_loop(partial(login.send_notices, frame))
