"""Make digits.npz from the data that scikit-learn ships. scikit-learn itself is not needed, only its wheel:

    pip download --no-deps --only-binary :all: scikit-learn==1.9.1
    python sleepviz/tasks/digits/source.py scikit_learn-1.9.1-*.whl

It runs as a file, because the task cannot be imported before digits.npz is there.

The images are the test set of "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, UCI Machine
Learning Repository, 1998, doi:10.24432/C50P49, CC BY 4.0): 1,797 digits by 13 people, 8 x 8 pixels in 17 grey levels.
"""

from __future__ import annotations

import gzip
import sys
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SIDE = 8
FILE = Path(__file__).with_name("digits.npz")
CSV = "sklearn/datasets/data/digits.csv.gz"


def read_wheel(wheel: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Grey levels [1797, 8, 8] from 0 to 16, and the digits [1797] that they show."""
    with zipfile.ZipFile(wheel) as files:
        lines = gzip.decompress(files.read(CSV)).decode("ascii").splitlines()
    table = np.array([[int(float(value)) for value in line.split(",")] for line in lines], dtype=np.uint8)
    return table[:, :-1].reshape(-1, SIDE, SIDE), table[:, -1]


if __name__ == "__main__":
    greys, digits = read_wheel(Path(sys.argv[1]))
    np.savez_compressed(FILE, greys=greys, digits=digits)
