#!/usr/bin/env python3
"""The library `websockets` as a server to compare with: what arrives on /pub is broadcast to all on /sub.

peer_websockets.py PORT [deflate]
"""

import asyncio
import sys

import websockets
from websockets.asyncio.server import broadcast, serve

subscribers = set()


async def session(connection):
    if connection.request.path == "/sub":
        subscribers.add(connection)
    try:
        async for message in connection:
            broadcast(subscribers, message)
    except websockets.ConnectionClosed:
        pass
    finally:
        subscribers.discard(connection)


async def main():
    compression = "deflate" if "deflate" in sys.argv[2:] else None
    options = {"compression": compression, "ping_interval": None, "max_queue": None, "backlog": 4096}
    async with serve(session, "127.0.0.1", int(sys.argv[1]), **options) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
