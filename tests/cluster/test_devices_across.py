"""The devices of one user at two servers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from tests.e2e.chatkit import Wire

Member = Callable[..., Wire]
Connect = Callable[..., Wire]


def on(connect: Connect, node: int, user_id: int, device: str, **fields: Any) -> Wire:
    wire = connect(node)
    wire.login(user_id, devices=True, device=device, **fields)
    return wire


def test_two_devices_at_two_servers(member: Member, connect: Connect) -> None:
    bob = member("bob with a friend", 0)
    ann = connect(0).register("ann with devices")
    phone, laptop = on(connect, 0, ann, "phone"), on(connect, 1, ann, "laptop")
    assert phone.find(95)["event"] == "new"
    bob.chat(ann, "hi", mid="1")
    for device in (phone, laptop):
        message = device.find(6, msg="hi")
        device.acknowledge(message["seq"])
    laptop.chat(bob.id, "hello", mid="1")
    assert bob.find(6)["msg"] == "hello"
    assert phone.find(6, msg="hello")["id"] == ann, "a copy of the other device's message"
    again = on(connect, 0, ann, "laptop")
    laptop.find(32, reason="replaced")
    phone.send(msgid=90, id=ann)
    listed = phone.find(91)["devices"]
    assert [device["online"] for device in listed] == [True, True]
    number = next(device["deviceid"] for device in listed if not device["this"])
    on(connect, 1, ann, "phone").send(msgid=92, id=ann, deviceid=number)
    again.find(32, reason="ended", reconnect=False)


def test_two_devices_log_in_at_once(connect: Connect) -> None:
    ann = connect(0).register("ann in a hurry")
    wires = [connect(number % 2) for number in range(6)]
    answers: list[dict[str, Any]] = []

    def log_in(wire: Wire, device: str) -> None:
        answers.append(wire.login(ann, devices=True, device=device))

    threads = [
        threading.Thread(target=log_in, args=(wire, f"device {number}"))
        for number, wire in enumerate(wires)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer["deviceid"] for answer in answers}) == 6
    wires[0].send(msgid=90, id=ann)
    assert len(wires[0].find(91)["devices"]) == 6
