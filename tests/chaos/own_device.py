"""OwnDevice: the device of a chaos client, and the ends that it asks for.

The client ends its device, or another one of its user, comes back as a new one, or forgets its
device as when its program is installed anew.
"""

from __future__ import annotations

import itertools
import random
from typing import Any

from tests.chaos.history import UNNAMED, Device, History
from tests.chaos.person import Kind, Person

Message = dict[str, Any]

REFUSED, NOT_FOUND, TOO_MANY_DEVICES = 1, 5, 13
PASSWORD = "secret-1"


class OwnDevice:
    """See the module's text. The event loop's thread.

    Attributes:
        name: what identifies it in a login.
        number: by the server; None: the client does not know it.
        named: it says ``devices``.
        token: of the last login.
        ends: numbers of devices that it has asked to end, without an answer yet.
    """

    def __init__(self, person: Person, seat: int, history: History, chance: random.Random) -> None:
        self.name = person.device_name(seat)
        self.number: int | None = None
        self.named = person.begins_named(seat)
        self.token: str | None = None
        self.ends: set[int] = set()
        self._person = person
        self._user_id = person.user_id
        self._seat = seat
        self._history = history
        self._random = chance
        self._words = f"{person.name} at {seat}"
        self._names = itertools.count(1)
        self._room_for: int | None = None  # the device that the next login ends

    # ------------------------------------------------------------------ logging in

    def login(self) -> Message:
        """LOGIN_MSG."""
        fields: Message = {"devices": True} if self.named else {}
        if self._room_for is not None:
            fields["end_device"] = self._room_for
            self._known(self._room_for).ending = True
            self.token = None
        fields |= {"token": self.token} if self.token else {"password": PASSWORD}
        return {"msgid": 1, "id": self._user_id, "v": 2, "device": self.name, **fields}

    def refused(self, answer: Message) -> None:
        """The login was refused."""
        errno = answer["errno"]
        if errno == REFUSED and self.token and self._is_ended(self.number):
            self.token = None
        elif errno == NOT_FOUND and self._room_for is not None:  # an earlier attempt has ended it
            self._history.end(self._user_id, self._room_for)
            self._room_for = None
        elif errno == TOO_MANY_DEVICES:
            used = {UNNAMED, *self._person.numbers.values()}
            spare = [d["deviceid"] for d in answer["devices"] if d["deviceid"] not in used]
            self._room_for = self._random.choice(spare) if spare else None
        elif errno in (REFUSED, NOT_FOUND):
            self._history.surprises.append(f"{self._words} cannot log in: {answer}")

    def opened(self, answer: Message, asked: int) -> None:
        """A login has begun. ``asked``: the position of its request."""
        number, since = answer.get("deviceid", UNNAMED), answer.get("since", 0)
        self.token = answer["token"]
        if self.named and number == UNNAMED:
            self._history.surprises.append(f"{self._words} got no named device")
        old, person = self.number, self._person
        if self._room_for is not None:
            self._history.end(self._user_id, self._room_for)
            self._room_for = None
        takes = not self._seat and self.named and person.heir is None
        if takes and person.kind is not Kind.MIXED:
            person.heir = number
        took = number == person.heir
        self._history.open(self._user_id, number, since, asked=asked, took=took)
        if old is not None and old != number:
            if not self._is_ended(old) and not (old == UNNAMED and took):
                self._history.surprises.append(f"{self._words} lost its device {old}")
            self._history.end(self._user_id, old)
            self.ends.discard(old)
        self.number = number
        if self.named:
            person.numbers[self.name] = number
        if self.named or person.kind is not Kind.UPGRADED:
            person.ready.set()

    # ------------------------------------------------------------------ ending

    def end(self, *, another: bool) -> Message | None:
        """END_DEVICE_MSG for this device, or for ``another`` one of the user, if there is one."""
        assert self.number is not None
        number: int | None = self.number
        if another:
            others = [other for other in self._person.numbers.values() if other != number]
            number = self._random.choice(others) if others else None
        if number is None:
            return None
        self.ends.add(number)
        self._known(number).ending = True
        return self.end_request(number)

    def end_request(self, number: int) -> Message:
        """END_DEVICE_MSG, also once more."""
        return {"msgid": 92, "id": self._user_id, "deviceid": number, "rid": str(number)}

    def ended(self, number: int) -> bool:
        """A device has ended; returns whether it is this one."""
        self.ends.discard(number)
        self._history.end(self._user_id, number)
        return number == self.number

    def forget(self) -> None:
        """Leave the device as it is, and come back as another one."""
        if self.number is None:
            return
        self._person.lost.append((self.name, self.number))
        del self._person.numbers[self.name]
        self.name = f"{self._person.device_name(self._seat)}, no. {next(self._names)}"
        self.number = self.token = None

    def is_ended(self) -> bool:
        """Has the device ended, or may it have?"""
        return self._is_ended(self.number)

    def _known(self, number: int) -> Device:
        """A device of the user. The client may have heard of it from the server only."""
        key = (self._user_id, number)
        return self._history.devices.setdefault(key, Device(*key, opened=self._history.clock))

    def _is_ended(self, number: int | None) -> bool:
        """Has the device ended, or may it have?"""
        if number is None:
            return False
        device = self._known(number)
        return device.ended is not None or device.ending
