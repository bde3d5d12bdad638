"""Mailboxes: stored messages on their way from the table to the receivers, and their deletion.

``chat.delivery`` inserts the rows. Mailbox reads and deletes them, and a Pump for each login gives
the messages to the client.
"""
