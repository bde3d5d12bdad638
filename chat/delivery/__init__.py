"""Delivery of chat messages: commit, acknowledge, wake, hand over.

    sender ─▶ DeliveryMode.send ─┬─▶ CommitQueue ─▶ commit_transaction ─▶ Router ─▶ pumps
              (stored, direct)   │       (stored messages, and missed live ones)
                                 └─▶ LiveBatch, here and at other nodes by LiveReceiver (direct)

The pumps and mailboxes of the receivers are in ``chat.mailbox``.
"""
