"""Everything that the app says of Digits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.parts.units import count
from app.tasks import evidence
from app.tasks.base import Deviation, Words

# The controls.
EASY, OWN = "Which digit?", "One drawn by hand"  # the hard one is called by its jumps
PRESET_HELP = {
    "easy": "No jump: the answer is what one image shows. Passes of sleep: {passes}.",
    "hard": "Jumps: {jumps}. Passes of sleep: {passes}.",
    "own": "Seven images of the data set, and a seven drawn by hand. Jumps: {jumps}. Passes of sleep: {passes}.",
}
RANDOM_DIGITS, CHANGE = "Random digits", "Change the digits"
STARTS = "The eight digits. The chosen one is the start"
JUMPS = "Jumps k"
JUMPS_HELP = "How many times to jump. The question comes after every image is forgotten."
PAD_HELP = "Choose one of the eight images. Then take another image of the data set, or draw a digit of your own."


def question(given: Mapping[str, Any]) -> str:
    """What an input asks, in one line."""
    jumps, digits = count(given["jumps"], "jump"), count(len(given["digits"]), "digit")
    return f"{jumps} from image {given['start']} on a ring of {digits}"


def asks(given: Mapping[str, Any]) -> str:
    """The question that an input asks."""
    if int(given["jumps"]) == 0:
        return f"Which digit does image {given['start']} show, once the images are gone?"
    return f"Jump {_times(int(given['jumps']))} from image {given['start']}: which digit do you land on?"


def _times(jumps: int) -> str:
    return {1: "once", 2: "twice"}.get(jumps, f"{jumps} times")


WORDS = Words(
    title="Digits are seen and forgotten: where do the jumps lead?",
    asks=asks,
    explanation=(
        "The model reads eight small images of handwritten digits **patch by patch**. They stand on a ring. Each "
        "digit says **how many images to jump ahead**. A 3 jumps to the third image after it, and a 0 stays where it "
        "is. After four images the window is full. The model sleeps, and the images are cleared from the KV cache. "
        "The question comes only at the end: **which digit do k jumps lead to?** The model answers in a single "
        "forward pass."
    ),
    notice=(
        "Images are struck out as they are forgotten. In the grid, the first column shows which digits can be "
        "told from S alone. The next columns show which jumps can be answered from S alone."
    ),
    symbol="jumps",
    right="questions answered right",
    window="one window holds four images, then the roll call: the places of all eight images",
    woken="Filled is right, a cross is wrong",
    presets="A seed chose the images of the example questions before any model had answered them.",
    glossary={
        "jumps": "Jumps k: how many jumps are made from the start. With no jump, the question is which digit the image "
        "shows.",
        "digits": "Digits: 1,797 images of handwritten digits (E. Alpaydin and C. Kaynak, 1998), as scikit-learn ships "
        "them. The model reads them in black and white.",
        "patch": "Patch: two rows of three pixels. One token says what a patch shows, and which patch of the image "
        "it is.",
        "roll_call": "Roll call: the places of all images, at the end of every window. The model can work there while "
        "it sleeps. The paper's windows have no such part.",
    },
    lab="Digits: jumps on a ring of images",
    sizes=" ({windows} windows of {images_a_window} images, up to {jumps_max} jumps)",
    question=question,
    departures=(
        Deviation("roll call", "Every window ends with the places of all images, where the passes can work."),
        Deviation("patches as tokens", "An image is eight tokens from a vocabulary; the paper reads text alone."),
    ),
    evidence=(*evidence.FIRST[:2], *evidence.CONTROLS),
)
