"""The servers of bench/http_answers.py and bench/http_streams.py: programs with HOST and PORT."""
