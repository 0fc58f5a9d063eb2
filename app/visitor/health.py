"""Does a server work? A visitor without a browser opens it, has one problem run live, and compares the answer.

    python -m sleepviz health --url http://localhost:8501

A host may answer every request with an empty page; so the page's recorded run is asked again, live, and the live
answer must be the recorded one. A run that the server still keeps would tell nothing of its worker: each time, the
question is therefore written in another way that asks for the same run. Sleep is asked for after the tokens of the
first window, a random number of times; there it begins in any case.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from dataclasses import dataclass
from typing import Any

from streamlit.proto.Alert_pb2 import Alert
from websockets.exceptions import WebSocketException

from app.visitor.client import Screen, VisitError, Visitor

REPEATS_MAX = 60  # a link's trigger has at most 200 characters
COMPARED = ("asked", "right", "verdict")  # of a card
UNSURE = "confidence"  # of a row: rounded, so its last digit may differ between machines


@dataclass(frozen=True)
class Verdict:
    """Whether the server works, in one sentence."""

    works: bool
    sentence: str


async def examine(url: str, patience_s: float) -> Verdict:
    """Open the page at `url` as a browser does and run its recorded question live. Raises nothing."""
    started = time.monotonic()
    try:
        async with asyncio.timeout(patience_s), Visitor(url, 2 * patience_s) as visitor:
            await visitor.do(lambda screen: _run(screen) is not None or bool(_alerts(screen)))
            recorded, link = _run(visitor.screen), _link(visitor.screen)
            if alerts := _alerts(visitor.screen):
                return Verdict(False, f"the page says: {alerts[0]}")
            if recorded is None or link is None or not recorded["badge"].startswith("recorded"):
                return Verdict(False, "the page shows no recorded run.")
            window = str(recorded["sleeps"][0]["last"])
            asked = ",".join([window] * (1 + secrets.randbelow(REPEATS_MAX)))
            await visitor.do(_is_over, link={**link, "trigger": f"manual:{asked}"})
            if alerts := _alerts(visitor.screen):
                return Verdict(False, f"the live run failed: {alerts[0]}")
            live = _run(visitor.screen)
    except TimeoutError:
        return Verdict(False, f"no answer came within {patience_s:g} s.")
    except (OSError, WebSocketException, VisitError, ValueError) as error:
        return Verdict(False, f"{str(error).rstrip('.') or type(error).__name__}.")
    if live is None or _answer(live) != _answer(recorded):
        return Verdict(False, "the live answer is not the recorded one.")
    took = time.monotonic() - started
    return Verdict(True, f"{link['task']} was run live and answered as recorded, in {took:.1f} s.")


def _is_over(screen: Screen) -> bool:
    """The live run is there, or a sentence that says why not."""
    run = _run(screen)
    return bool(_alerts(screen)) or (run is not None and run["badge"].startswith("live"))


def _run(screen: Screen) -> dict[str, Any] | None:
    """The run in the player."""
    player = screen.components.get("sleepviz_player")
    return None if player is None else player["run"]


def _link(screen: Screen) -> dict[str, str] | None:
    """The link of what is on screen."""
    bar = screen.components.get("sleepviz_share_bar")
    return None if bar is None else bar["link"]


def _answer(run: dict[str, Any]) -> Any:
    """What was answered, row by row, as the first card has it."""
    card = run["contenders"][0]
    rows = [{name: value for name, value in row.items() if name != UNSURE} for row in card["rows"]]
    return rows, [card.get(name) for name in COMPARED]


def _alerts(screen: Screen) -> list[str]:
    """The sentences that say what is wrong."""
    return [" ".join(alert.body.split()) for alert in screen.of_kind("alert") if alert.format == Alert.ERROR]


def main(url: str, patience_s: str) -> int:
    """Print the verdict in one line; 0 where the server works, else 1."""
    verdict = asyncio.run(examine(url, float(patience_s)))
    print(f"{url} {'works' if verdict.works else 'does not work'}: {verdict.sentence}")
    return 0 if verdict.works else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
