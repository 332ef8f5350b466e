"""What an echoed message costs different WebSocket servers in processor time.

    python Tests/Benchmarks/echo_cpu.py --binary .build/release/casebus [--messages 100000] [--connections 50] [--in-flight 1]

Each server in turn, several times over; the same generator of load, one message of 200 bytes after the other on each
connection, without compression. Counted is what the server's processes used of the processor (/proc/<pid>/stat, user and
system), divided by the messages. Servers that are not installed are left out: websocketd and node-ws are Debian packages.
"""

import argparse
import os
import selectors
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
TICKS = os.sysconf("SC_CLK_TCK")
SIZE = 200

PYTHON_SERVER = """
import asyncio, sys
from websockets.asyncio.server import serve
async def echo(connection):
    async for message in connection:
        await connection.send(message)
async def main():
    async with serve(echo, "127.0.0.1", int(sys.argv[1]), compression=None, ping_interval=None):
        await asyncio.get_running_loop().create_future()
asyncio.run(main())
"""
NODE_SERVER = """
const { WebSocketServer } = require("ws");
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[1]), perMessageDeflate: false });
server.on("connection", socket => socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })));
"""


def commands(binary):
    yield "casebus", [f"{binary}-devtools", "echo-server", "--no-deflate", "--port"]
    yield "python websockets", [sys.executable, "-c", PYTHON_SERVER]
    if shutil.which("websocketd"):
        yield "websocketd cat", ["websocketd", "--loglevel=fatal", "--address=127.0.0.1", "--port=", "cat"]
    if shutil.which("node"):
        yield "node ws", ["node", "-e", NODE_SERVER]


def with_port(command, port):
    if any(word.endswith("=") for word in command):
        return [f"{word}{port}" if word == "--port=" else word for word in command]
    return [*command, str(port)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_ticks(pid):
    """Of a process and all that it started: user and system time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    return int(fields[11]) + int(fields[12]) + sum(cpu_ticks(child) for child in children)


def frame(payload):
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return struct.pack("!BBH", 0x81, 0x80 | 126, len(payload)) + mask + masked


def connect(port):
    deadline = time.monotonic() + 10
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port))
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "the server does not listen"
            time.sleep(0.05)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Origin: http://127.0.0.1:{port}\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, head
        head += byte
    assert head.startswith(b"HTTP/1.1 101"), head
    return connection


def echo(connections, messages, in_flight):
    """Sends so many messages in all, with so many in flight on each connection, and waits for their echoes."""
    data = frame(b"m" * SIZE)
    echo_bytes = SIZE + 4
    waiting = dict.fromkeys(connections, 0)
    sent = 0
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ)
            connection.sendall(data * in_flight)
            waiting[connection] = in_flight * echo_bytes
            sent += in_flight
        while any(waiting.values()):
            for key, _ in selector.select(10):
                connection = key.fileobj
                received = connection.recv(1 << 16)
                assert received, "the connection ended"
                before = -(-waiting[connection] // echo_bytes)
                waiting[connection] -= len(received)
                done = before - -(-waiting[connection] // echo_bytes)
                again = min(done, messages - sent)
                if again > 0:
                    connection.sendall(data * again)
                    waiting[connection] += again * echo_bytes
                    sent += again
    return sent


def measure(command, options):
    port = free_port()
    environment = os.environ | {"NODE_PATH": "/usr/share/nodejs"}  # where Debian keeps the modules
    server = subprocess.Popen(with_port(command, port), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        connections = [connect(port) for _ in range(options.connections)]
        echo(connections, options.messages // 10, options.in_flight)  # warm
        ticks, begin = cpu_ticks(server.pid), time.monotonic()
        sent = echo(connections, options.messages, options.in_flight)
        seconds = time.monotonic() - begin
        microseconds = (cpu_ticks(server.pid) - ticks) / TICKS / sent * 1e6
        for connection in connections:
            connection.close()
        return microseconds, sent / seconds
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default=".build/release/casebus")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--in-flight", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    servers = dict(commands(options.binary))
    results = {name: [] for name in servers}
    for _ in range(options.runs):
        for name, command in servers.items():
            results[name].append(measure(command, options))
    base = statistics.median(cpu for cpu, _ in results["casebus"])
    print(f"{options.connections} connections, {options.in_flight} in flight on each, {options.messages} messages of {SIZE} bytes, {options.runs} runs")
    for name, runs in results.items():
        cpu = statistics.median(run[0] for run in runs)
        rate = statistics.median(run[1] for run in runs)
        each = ", ".join(f"{run[0]:.1f}" for run in runs)
        print(f"{name:18} {cpu:7.1f} µs of CPU per message ({each})  {cpu / base:5.1f} times casebus  {rate:8.0f} messages/s")


if __name__ == "__main__":
    main()
