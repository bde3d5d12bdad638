"""WebSocket echo servers for bench/websocket.py, each a program of its own."""
