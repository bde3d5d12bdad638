"""muduopy: event loops, one per thread, and TCP on top of them, in the manner of muduo.

    from muduopy import EventLoop, InetAddress, TcpServer

    loop = EventLoop()
    server = TcpServer(loop, InetAddress("127.0.0.1", 2007), "echo")
    server.set_message_callback(lambda conn, buffer, when: conn.send(buffer.retrieve_all()))
    server.set_thread_num(2)
    server.start()
    loop.loop()

It needs nothing but the standard library. The chat server of this project is built on it.
"""

from muduopy.acceptor import Acceptor
from muduopy.address import Address
from muduopy.buffer import Buffer
from muduopy.channel import Channel
from muduopy.connection_state import State
from muduopy.connector import Connector
from muduopy.errors import LoopError, MuduoError, StateError, WrongThreadError
from muduopy.event_loop import EventLoop, current_loop
from muduopy.event_loop_thread import EventLoopThread
from muduopy.event_loop_thread_pool import EventLoopThreadPool
from muduopy.host_address import HostAddress
from muduopy.inet_address import InetAddress
from muduopy.peer_credentials import PeerCredentials
from muduopy.tcp_client import TcpClient
from muduopy.tcp_connection import TcpConnection
from muduopy.tcp_info import TcpInfo
from muduopy.tcp_server import TcpServer
from muduopy.thread_pool import ThreadPool
from muduopy.timer_queue import Timer
from muduopy.timing_wheel import TimingWheel
from muduopy.unix_address import UnixAddress

__all__ = [
    "Acceptor",
    "Address",
    "Buffer",
    "Channel",
    "Connector",
    "EventLoop",
    "EventLoopThread",
    "EventLoopThreadPool",
    "HostAddress",
    "InetAddress",
    "LoopError",
    "MuduoError",
    "PeerCredentials",
    "State",
    "StateError",
    "TcpClient",
    "TcpConnection",
    "TcpInfo",
    "TcpServer",
    "ThreadPool",
    "Timer",
    "TimingWheel",
    "UnixAddress",
    "WrongThreadError",
    "current_loop",
]
