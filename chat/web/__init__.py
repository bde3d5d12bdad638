"""The web page and its WebSocket, on the port of the chat protocol.

``first_line`` decides whether a new connection speaks HTTP. ``front`` serves HTTP on it: the page's
files (``page_files``), ``/healthz``, ``/readyz``, and ``/ws``. An upgrade on ``/ws`` makes the
connection a chat connection with the framing of ``message_framer``.
"""
