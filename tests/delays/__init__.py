"""Seeded random delays in the threads of the tests, and of the servers that they start.

``pytest --delays 17`` finds tests that depend on the speed of the machine: see CONTRIBUTING.md.
"""
