"""Two servers behind HAProxy, one of which is stopped and started while visitors come: python -m tests.deploy_replicas.

It needs the program haproxy (HAPROXY names another place). Each visitor opens the page, has one problem run live and
leaves. What is printed: the visits, how many of them failed, and what each failure said. Visitors who were connected to
the replica that is stopped lose their connection and come again, as a browser does; they count as one visit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from app.visitor.footprint import wait_for
from app.visitor.health import Verdict, examine
from sleepviz.config.places import SITE

CONFIG = SITE / "docs" / "deploy" / "haproxy.cfg"
PATIENCE_S = 240.0
TRIES = 20  # of one visit, a second apart, as a browser tries again


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def served(port: int) -> subprocess.Popen[bytes]:
    """One replica."""
    command = [sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.port", str(port)]
    command += ["--server.address", "127.0.0.1", "--server.headless", "true"]
    return subprocess.Popen(command, cwd=SITE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def proxied(ports: dict[str, int], port: int, folder: Path) -> subprocess.Popen[bytes]:
    """HAProxy with the shipped file, its hosts and ports those of this machine."""
    text = CONFIG.read_text(encoding="utf-8").replace("bind :8501", f"bind 127.0.0.1:{port}")
    for name, its in ports.items():
        text = re.sub(rf"server {name} {name}:8501", f"server {name} 127.0.0.1:{its}", text)
    path = folder / "haproxy.cfg"
    path.write_text(text, encoding="utf-8")
    return subprocess.Popen([os.environ.get("HAPROXY", "haproxy"), "-f", str(path)])


async def visit(url: str) -> tuple[Verdict, int]:
    """One visit, and how often it was begun."""
    verdict = Verdict(False, "")
    for tries in range(1, TRIES + 1):
        verdict = await examine(url, PATIENCE_S)
        if verdict.works:
            return verdict, tries
        await asyncio.sleep(1)
    return verdict, TRIES


async def load(
    url: str, servers: dict[str, subprocess.Popen[bytes]], ports: dict[str, int], visitors: int, rounds: int
) -> dict[str, object]:
    """Visitors come round after round; meanwhile each replica in turn goes and comes back."""
    found: list[tuple[Verdict, int]] = []

    async def visitor() -> None:
        for _ in range(rounds):
            found.append(await visit(url))

    async def stop_and_start() -> None:
        for name in list(servers):
            await asyncio.sleep(5)
            servers[name].send_signal(signal.SIGTERM)
            await asyncio.to_thread(servers[name].wait)
            await asyncio.sleep(5)
            servers[name] = served(ports[name])
            await asyncio.to_thread(wait_for, ports[name])

    await asyncio.gather(stop_and_start(), *(visitor() for _ in range(visitors)))
    failed = [verdict.sentence for verdict, _ in found if not verdict.works]
    again = sum(tries - 1 for _, tries in found)
    return {"visits": len(found), "failed": len(failed), "begun_again": again, "said": failed}


def main() -> int:
    """Start all, load, end all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=4)
    arguments = parser.parse_args()
    ports, port = {name: free_port() for name in ("one", "two")}, free_port()
    servers = {name: served(its) for name, its in ports.items()}
    with tempfile.TemporaryDirectory() as folder:
        for its in ports.values():
            wait_for(its)
        proxy = proxied(ports, port, Path(folder))
        try:
            wait_for(port)
            result = asyncio.run(load(f"http://127.0.0.1:{port}", servers, ports, arguments.visitors, arguments.rounds))
        finally:
            for process in (proxy, *servers.values()):
                process.terminate()
                process.wait(20)
    print(json.dumps(result, indent=1))
    return 1 if result["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
