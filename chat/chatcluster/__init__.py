"""bin/chatcluster: starts a whole cluster on this machine, for trials and for tests.

It launches MariaDB, Redis, nginx and chat servers as processes of their own. It is no part of a
chat server, and only ``chatcluster.main`` imports it.
"""
