"""The one mechanism of limits: token buckets by key, and the keys of network addresses.

It knows no connection, user or setting. The caller chooses the key, and acts when a bucket is
empty.
"""
