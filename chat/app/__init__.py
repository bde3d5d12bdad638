"""The composition root: constructs the parts of a server, connects them, starts and ends them.

It is the one room that knows settings, database, bus and server together. Each part is made from
parts above it::

    foundation.py      database, bus, main loop, threads, clock
    app.py             the lease, where servers share the database
    login_parts.py     logins, presence, passwords, mailboxes
    server_parts.py    delivery, handlers, the service, the server with its listeners
    live_settings.py   the settings that change while the server runs
    status_page.py     the status page and its measurements
    admin_parts.py     commands of operators; regular jobs on the database

``App`` has the order of start and end. ``executable.py`` is ``bin/chatserver``: the command line,
the log and the exit status.

Threads: the main thread runs the main loop (accepting, and all connections unless there are
sub-loops); ``threads`` sub-loops; ``workers`` and ``hashers`` for SQL and passwords; ``admin`` for
commands of operators; one database writer; one that waits for signals; one that renews the lease in
a cluster.
"""

from chat.app.app import App
from chat.app.executable import main

__all__ = ["App", "main"]
