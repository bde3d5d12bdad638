"""One logged-in account: outbox, inbox, roster, files, and the threads that serve it."""
