"""The process and its machine: time, installed files, file descriptors, log lines.

These modules know no setting, no client and no database; every other folder may import them.
"""
