"""What a host must give: python -m app.visitor.footprint, on Linux, in a checkout.

It serves the app, visits it once, has a problem run live, and prints seconds and megabytes as JSON: from the start of
the server until its first page is there and until its first live answer is; its memory before a visitor came, after
the first page and after the live answer; and the size of what git checks out.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

from app.visitor.client import Visitor
from app.visitor.health import examine
from sleepviz.config.places import SITE

PATIENCE_S = 300.0


def megabytes(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024, 1)
    raise ValueError("the process has no memory.")


def checked_out() -> float:
    """Megabytes of all files that git checks out."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=SITE, capture_output=True, text=True, check=True)
    paths = [SITE / name for name in listed.stdout.split("\0") if name]
    return round(sum(path.stat().st_size for path in paths if path.is_file()) / 1e6, 1)


async def visit(url: str) -> None:
    """Open the first page and see it."""
    async with Visitor(url, PATIENCE_S) as visitor:
        await visitor.do(lambda screen: "sleepviz_player" in screen.components)


def wait_for(port: int) -> None:
    """Until somebody listens there."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)


def measure() -> dict[str, float]:
    """Serve, visit, measure."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.port", str(port)]
    command += ["--server.address", "127.0.0.1", "--server.headless", "true"]
    started, url = time.monotonic(), f"http://127.0.0.1:{port}"
    server = subprocess.Popen(command, cwd=SITE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        found = {"listens_s": time.monotonic() - started, "idle_mb": megabytes(server.pid)}
        asyncio.run(visit(url))
        found |= {"first_page_s": time.monotonic() - started, "first_page_mb": megabytes(server.pid)}
        verdict = asyncio.run(examine(url, PATIENCE_S))
        if not verdict.works:
            raise SystemExit(verdict.sentence)
        found |= {"first_answer_s": time.monotonic() - started, "first_answer_mb": megabytes(server.pid)}
    finally:
        server.terminate()
        server.wait(20)
    return {name: round(value, 1) for name, value in found.items()} | {"checked_out_mb": checked_out()}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
