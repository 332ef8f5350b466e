#!/usr/bin/env python3
"""temporary"""
import asyncio, sys, time
from server import Server
from run import Run
from checker import check_run
from roles import *
async def main(seed, seconds):
    server = Server("--journal","memory","--block-markdone-timeout","700")
    run = Run(seed, server)
    try:
        await server.start()
        run.add_load(4, rate=float(sys.argv[3]))
        await run.pause(seconds)
        await run.quiesce()
        await run.finish()
        await server.stop()
    finally:
        await server.end()
    print(run.history.counts)
    print(check_run(run.history, run.end_of))
asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
