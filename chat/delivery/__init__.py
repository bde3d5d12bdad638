"""Delivery of messages: commit, ack, wake, hand over."""
