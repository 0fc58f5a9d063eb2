"""Text that is at hand on any machine: the documentation strings of Python's own library, a file for each module.

python -m sleepviz.studies.hybrids.docstrings FOLDER
python -m sleepviz tune --model MODEL --text FOLDER/*.txt --add-fast-weights 10,20 --only-memory --window 32
"""

from __future__ import annotations

import ast
import sys
import sysconfig
from pathlib import Path

LEAST_CHARACTERS = 2000


def docstrings(path: Path) -> str:
    """Every documentation string of a module, in its order, an empty line between two; "" where it is no module."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return ""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, kinds)]
    return "\n\n".join(text for text in found if text)


def write_all(folder: Path) -> int:
    """Write those of each module of the library that says enough; how many files they are."""
    folder.mkdir(parents=True, exist_ok=True)
    modules = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    texts = {path.stem: text for path in modules if len(text := docstrings(path)) >= LEAST_CHARACTERS}
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return len(texts)


if __name__ == "__main__":
    print(f"{write_all(Path(sys.argv[1]))} files")
