"""Logins: passwords and tokens, the users online at this node, and the leases of the nodes.

LoginFlow is the way in and out. LoginRegistry has the logins of this node, Presence their rows in
the database. After failures, Reconciliation corrects both.
"""
