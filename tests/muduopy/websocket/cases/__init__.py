"""The cases of the Autobahn test suite, written anew from RFC 6455, RFC 7692 and the suite's
descriptions. The numbers are those of the suite; the code is not.

    python -m tests.muduopy.websocket.cases     all sizes, and the page in docs/muduopy
"""
