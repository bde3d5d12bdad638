"""The way of a request, from the bytes of a connection to the answer. All but the workers: loop.

ChatService takes frames and finds the handler of each. RequestLimits and Entrances refuse requests
that an account or an address may not make now. RequestWorkers runs requests that block. Answers
sends the results, and counts the failures of a connection.
"""
