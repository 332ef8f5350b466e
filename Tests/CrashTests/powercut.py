"""Takes away from the files of a killed broker what a power cut would take: writes that no fsync has covered."""

import os
import shutil
import struct
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
RECORD = struct.Struct("=7Q")
WRITE, SYNC, TRUNCATE = 1, 2, 3


def compile_library(folder):
    compiler = os.environ.get("CC") or next(c for c in ("gcc", "cc", "clang") if shutil.which(c))
    library = folder / "powercut.so"
    source = FOLDER / "powercut.c"
    subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def environment(library, data, log):
    return {"LD_PRELOAD": str(library), "POWERCUT_FOLDER": str(data), "POWERCUT_LOG": str(log)}


@dataclass
class Change:
    """A write or a truncation."""

    kind: int
    offset: int
    bytes: bytes
    size_before: int
    sequence: int
    replaced: bytes


def uncovered(log):
    """By path: the changes that no fsync has covered, in order."""
    changes, data, at = defaultdict(list), log.read_bytes() if log.exists() else b"", 0
    while at + RECORD.size <= len(data):
        kind, offset, count, size_before, sequence, replaced, path_length = RECORD.unpack_from(data, at)
        at += RECORD.size
        path, at = data[at : at + path_length].decode(), at + path_length
        written, at = data[at : at + count], at + count
        before, at = data[at : at + replaced], at + replaced
        if kind == SYNC:
            changes[path] = [c for c in changes[path] if c.sequence > sequence]
        else:
            changes[path].append(Change(kind, offset, written, size_before, sequence, before))
    return changes


def cut(log, random):
    """Undoes a random part of the uncovered changes. Says how many there were, and how many are lost."""
    total = lost = 0
    # The kinds of disk: nothing of it arrived, a first part, or any of it in any order.
    kind = random.choice(("all", "suffix", "any"))
    for path, changes in uncovered(log).items():
        if not changes or not os.path.isfile(path):
            continue
        first = random.randint(0, len(changes))
        kept = {
            "all": [], "suffix": changes[:first], "any": [c for c in changes if random.random() < 0.5],
        }[kind]  # fmt: skip
        with open(path, "r+b") as file:
            for change in reversed(changes):
                undo(file, change)
            for change in kept:
                redo(file, change, random)
        total += len(changes)
        lost += len(changes) - len(kept)
    log.unlink(missing_ok=True)
    return total, lost


def undo(file, change):
    file.seek(change.offset)
    file.write(change.replaced)
    file.truncate(change.size_before)


def redo(file, change, random):
    if change.kind == TRUNCATE:
        return file.truncate(change.offset)
    # The last sectors of a write may be missing, too.
    sectors = len(change.bytes) // 512
    count = len(change.bytes) if random.random() < 0.8 else 512 * random.randint(0, sectors)
    file.seek(change.offset)
    file.write(change.bytes[:count])
