"""The crash tests in their short form; `make crash` is the long one."""

import argparse
import asyncio

import crash
import full_disk
import torn

SEED = 4711


def arguments(**values):
    return argparse.Namespace(**{"workspaces": 3, "rate": 150, "power": False, "durability": "full", **values})


def test_kills_are_not_noticed(tmp_path):
    asyncio.run(crash.crash(arguments(kills=12), SEED, tmp_path))


def test_power_cuts_are_not_noticed(tmp_path):
    asyncio.run(crash.crash(arguments(kills=6, power=True), SEED, tmp_path))


def test_images_are_gapless_beginnings(tmp_path):
    asyncio.run(torn.torn(arguments(images=3), SEED, tmp_path))


def test_full_disk_refuses_and_recovers(tmp_path):
    asyncio.run(full_disk.full_disk(arguments(rounds=1), SEED, tmp_path))
