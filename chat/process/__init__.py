"""The process and its machine: time, event loops, file descriptors, installed files, log lines.

These modules know no setting, no client and no database; each other folder may import them.
"""
