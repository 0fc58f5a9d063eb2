"""What was freed between things that stay goes back to the system."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# Blocks of 2 kB, of which one in 500 stays: its neighbours cannot be given back by lowering the end of the heap.
FREED_MB = 200
PROGRAM = f"""
from app.shell.server.heap import give_back
from pathlib import Path

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

blocks = [bytearray(2000) for _ in range({FREED_MB * 500})]
stay = blocks[::500]
del blocks
before = resident_mb()
give_back()
print(before - resident_mb(), len(stay))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_what_was_freed_between_things_that_stay_is_given_back() -> None:
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    given_mb, stay = told.split()
    assert float(given_mb) > FREED_MB / 2 and int(stay) == FREED_MB
