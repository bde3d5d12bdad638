from __future__ import annotations

from client.ui.model.message_order import MessageOrder
from tests.client.ui.uikit import item


def texts(order: MessageOrder) -> list[str]:
    return [one.text for one in order.items]


def test_items_stand_in_the_order_of_seq() -> None:
    order = MessageOrder()
    assert all(order.add(item(seq, str(seq))) for seq in (3, 1, 2))
    assert not order.add(item(2, "again"))
    assert texts(order) == ["1", "2", "3"]
    assert (order.oldest_seq, order.highest_seq) == (1, 3)


def test_items_without_seq() -> None:
    order = MessageOrder()
    order.add(item(1, "1"))
    order.add_last(item(None, "own"))
    order.add_behind_known(item(None, "behind 1"))
    order.add(item(2, "2"))
    assert texts(order) == ["1", "behind 1", "2", "own"]
    assert [order.index(one) for one in order.items] == [0, 1, 2, 3]


def test_remove_and_keep_only() -> None:
    order = MessageOrder()
    own = item(None, "own")
    for one in (item(1, "1"), item(2, "2"), own):
        order.add(one)
    order.remove(order.items[0])
    assert texts(order) == ["2", "own"]
    assert order.has_any([item(2)])
    order.keep_only([own])
    assert texts(order) == ["own"]
    assert not order.has_seqs
    assert order.oldest_seq is None
