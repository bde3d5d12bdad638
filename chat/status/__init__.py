"""The status page of a server: metrics for Prometheus, health, and a look inside.

It reads counters of all other rooms and changes nothing. It has a thread and a loop of its own, so
it answers while the database or the main loop is stuck.
"""
