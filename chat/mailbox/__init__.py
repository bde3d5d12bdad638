"""Mailboxes: stored messages on their way from the table to the receivers, and their deletion.

``chat.delivery`` inserts the rows. Mailbox reads and deletes them, and a Pump for each login gives
the messages to the client. MailboxQuota finds mailboxes that are too full; gap.py has the messages
of groups for which they have no place.
"""
