"""The tables of what a visitor waits for, and of what a class asks of the server, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Entries = Sequence[dict[str, Any]]
SPEED_WORDS = {
    "first_picture": "first picture, warm server",
    "first_picture_fresh_server": "first picture, fresh server",
    "first_live_run_fresh_server": "first live run, fresh server",
    "change_of_n": "another N, run live",
    "first_visit": "first visit, over the wire",
    "other_hosts": "other hosts that the page asks",
    "player": "player",
}
CACHE_WORDS = {
    "kept_runs": "runs kept for everybody",
    "kept_runs_bytes": "their arrays",
    "kept_pictures": "pictures kept for everybody",
    "kept_checkpoints": "checkpoints that are loaded",
}
LOAD_WORDS = {"shared": "recorded and kept runs", "live": "live runs", "sweep": "settings measured in the Lab"}


def speed_table(entries: Entries) -> str:
    """What a visitor waits for: median, range and aim, and the CPU time in it, a row a figure."""
    lines = ["| | median | range | aim | CPU of the server | CPU of the page |", "|---" * 6 + "|"]
    for e in entries:
        cpu = " | ".join(f"{e[key]:.2f} s" if key in e else "" for key in ("server_cpu_s", "page_cpu_s"))
        figures = f"{e['median']:.4g} {e['unit']} | {e['least']:.4g} to {e['most']:.4g} | {e['aim']:g}"
        lines.append(f"| {SPEED_WORDS[e['what']]} | {figures} | {cpu} |")
    return "\n".join(lines)


def load_table(entries: Entries) -> str:
    """From click to new picture while a class works, a row a sort of click."""
    lines = ["| | clicks | half within | 95 % within | longest |", "|---" * 5 + "|"]
    for e in entries:
        if e["kind"] in LOAD_WORDS:
            seconds = " | ".join(f"{e[key]:.2f} s" for key in ("p50_s", "p95_s", "most_s"))
            lines.append(f"| {LOAD_WORDS[e['kind']]} | {e['clicks']} | {seconds} |")
    return "\n".join(lines)


def memory_table(entries: Entries) -> str:
    """How fast the server's memory grows in the second half of a lesson, and what its caches hold at the end."""
    lines = ["| | at the end | bound |", "|---" * 3 + "|"]
    found = next((e for e in entries if e["kind"] == "memory"), None)
    if found is None:
        return "\n".join([*lines, "| growth of the server's memory | not measured |  |"])
    lines.append(f"| growth, from round {found['from_round']} on | {_growth(found['growth'])} |  |")
    lines.append(f"| the same without the kept runs' arrays | {_growth(found['growth_beside_kept_runs'])} |  |")
    for name, number in found["caches"][-1].items():
        if name in CACHE_WORDS:
            lines.append(f"| {CACHE_WORDS[name]} | {_amount(name, number)} | {_amount(name, found['bounds'][name])} |")
    return "\n".join(lines)


def _growth(found: dict[str, Any] | None) -> str:
    if found is None:
        return "not measured"
    low, high = found["ci95"]
    return f"{found['mb_per_round']:.2f} MB a round ({low:.2f} to {high:.2f})"


def _amount(name: str, number: int) -> str:
    """Bytes in megabytes."""
    return f"{number / 1e6:.1f} MB" if name.endswith("_bytes") else str(number)
