#!/usr/bin/env python3
"""Images of the data directory under load, whole and with a damaged log (Docs/internals/crash-tests.md).

  Tests/CrashTests/torn.py --images 20 --seed 4711
"""

import asyncio
import sys
from collections import Counter

from checker import check_run
from crash import arguments_of, main_of, options
from images import check_image, take_image
from run import Run
from server import Server


async def torn(arguments, seed, folder):
    data = folder / "data"
    server = Server(*options(data))
    run = Run(seed, server)
    images = []
    try:
        await server.start()
        run.add_load(arguments.workspaces, rate=arguments.rate)
        for number in range(arguments.images):
            await run.pause(run.random.uniform(0.02, 0.8))
            images.append(await take_image(run, data, folder / f"image{number}"))
        await run.quiesce()
        await run.finish()
        await server.stop()
    finally:
        await server.end()
    check_run(run.history, run.end_of)
    print(f"  {len(images)} images taken, {sum(run.end_of(w) for w in run.workspaces)} events", flush=True)
    await check_images(images, run, folder)


async def check_images(images, run, folder):
    found = Counter()
    for number, image in enumerate(images):
        for variant in [image, *damaged(image, run.random, folder / f"damaged{number}")]:
            ends = await check_image(variant, run.history, options(variant.folder))
            kind = variant.damage.split(" ")[0]
            found[f"{kind}: images"] += 1
            found[f"{kind}: events"] += sum(ends.values())
            found[f"{kind}: events that clients knew"] += sum(variant.told.values())
    print("ok: " + ", ".join(f"{what} {count}" for what, count in sorted(found.items())))


def damaged(image, random, folder):
    """The log cut off somewhere, one byte of it changed, or gone."""
    if image.log is None:
        return
    size = image.log.stat().st_size
    if size == 0 or (first := image.unmoved()) >= size:
        return
    cut = image.damaged(folder.with_name(folder.name + "-cut"), f"cut at {random.randrange(first, size)} of {size}")
    at = int(cut.damage.split(" ")[2])
    with open(cut.log, "r+b") as file:
        file.truncate(at)
    yield cut
    at = random.randrange(first, size)
    flipped = image.damaged(folder.with_name(folder.name + "-flipped"), f"flipped byte {at} of {size}")
    with open(flipped.log, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << random.randrange(8)]))
    yield flipped


if __name__ == "__main__":
    sys.exit(main_of(torn, arguments_of(__doc__, images=20)))
