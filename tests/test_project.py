"""The checkout itself: its layout, its requirements, what its files may hold, and the settings of the tests."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILE_MAX_BYTES = 20 * 2**20
IGNORED = {".git", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"}

TOP_LEVEL = {
    *("app", "pages", "sleepviz", "assets", "tests", "requirements.txt", "README.md"),
    *("requirements-dev.txt", "pyproject.toml", "Makefile", "LICENSE", ".streamlit", ".ci", ".gitignore"),
    *("docs", "CONTRIBUTING.md", "CHANGELOG.md", ".pre-commit-config.yaml", ".github"),
}
DEMANDED = [
    *(f"sleepviz/config/{name}.py" for name in ("base", "model", "run", "training", "events")),
    *(f"sleepviz/core/{name}.py" for name in ("delta_rule", "attention", "memory", "model", "sleep")),
    *(f"sleepviz/runs/{name}.py" for name in ("record", "measures", "checkpoint")),
    *("sleepviz/training/train.py", "sleepviz/training/evaluate.py", "sleepviz/studies/bench.py"),
    *("sleepviz/__main__.py", "sleepviz/tasks/base.py", "sleepviz/tasks/rule110/task.py"),
    *("app/main.py", "app/shell/runs.py", "app/shell/state.py", "app/shell/theme.py", "app/stage/controls.py"),
    *("app/figures", "app/player", "pages", "assets/checkpoints", "assets/recordings", "assets/results"),
    *(f"docs/{name}.md" for name in ("results", "experiments", "departures", "add-a-task", "deploy")),
    *("CONTRIBUTING.md", "CHANGELOG.md", "README.md", "LICENSE", "Makefile", ".ci/run", ".streamlit/config.toml"),
    *("requirements.txt", "requirements-dev.txt", "app/requirements.txt", "pyproject.toml"),
]

# Places of one machine, and the hosts of package registries: the user's own settings name those.
MACHINE = re.compile(
    rb"(?<![\w./-])/(?:work|root|home/[\w.-]+|Users/[\w.-]+|opt|mnt|srv)/[\w.]"
    rb"|pypi\.org|pythonhosted\.org|(?:deb|security|snapshot|ftp)\.debian\.org|archive\.ubuntu\.com|registry\.npmjs\.org"
)

DISTRIBUTIONS = {
    "huggingface_hub": "huggingface-hub",
    "axe_playwright_python": "axe-playwright-python",
    "_pytest": "pytest",
    "PIL": "pillow",
}  # where the names differ
OURS = {"sleepviz", "app", "pages", "tests", "conftest"}


def project_files() -> list[Path]:
    """Every tracked file; without git, every file but caches and the states of trainings."""
    if shutil.which("git"):
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
        if listed.returncode == 0 and listed.stdout:
            paths = [ROOT / name for name in listed.stdout.split("\0") if name]
            return [path for path in paths if path.is_file()]  # one deleted but not yet committed is no file
    below = {path: path.relative_to(ROOT).parts for path in ROOT.rglob("*") if path.is_file()}
    return [path for path, parts in below.items() if not IGNORED & set(parts) and parts[0] != "runs"]


def requirements(name: str) -> dict[str, str]:
    """Distribution -> version specifier, of one requirements file without those that it includes."""
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines())
    found = {}
    for line in lines:
        if line and not line.startswith("-r "):
            match = re.fullmatch(r"([A-Za-z0-9-]+)((?:[<>=!~]=?|===)[^;\s]+)", line)
            assert match, f"{name}: {line!r} is not NAME with a version specifier"
            found[match[1].lower()] = match[2]
    return found


def third_party(folders: tuple[str, ...]) -> set[str]:
    """Distributions that the Python files below these folders import, anywhere in a file."""
    modules = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                modules.add(node.module.split(".")[0])
    return {DISTRIBUTIONS.get(module, module) for module in modules - sys.stdlib_module_names - OURS}


@pytest.mark.parametrize("path", DEMANDED)
def test_the_layout_is_complete(path: str) -> None:
    found = ROOT / path

    assert found.is_file() or (found.is_dir() and any(found.iterdir()))


def test_the_top_level_holds_nothing_else() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in project_files()} - TOP_LEVEL == set()


def test_files_stay_small() -> None:
    assert [path for path in project_files() if path.stat().st_size >= FILE_MAX_BYTES] == []


def test_no_file_names_a_machine_or_a_registry() -> None:
    assert [
        f"{path.relative_to(ROOT)}: {found[0].decode(errors='replace')}"
        for path in project_files()
        if (found := MACHINE.search(path.read_bytes()))
    ] == []


@pytest.mark.parametrize(
    "text", ["cd /work" + "/main", "/home" + "/ada/x", "'/opt" + "/wheels'", "https://pypi" + ".org/simple"]
)
def test_a_planted_machine_path_is_seen(text: str) -> None:
    assert MACHINE.search(text.encode())


@pytest.mark.parametrize("text", ["pages/home.py", "url_path='/home'", "../work/x", "app/opt/x"])
def test_an_ordinary_path_is_not_taken_for_a_machine_path(text: str) -> None:
    assert not MACHINE.search(text.encode())


def test_one_module_says_where_the_assets_lie() -> None:
    """A path counted up from a file is right in a checkout and wrong in an installed wheel."""
    counted = re.compile(r"__file__\)\.resolve\(\)\.(?:parents\[[1-9]|parent\.parent)")
    files = [path for part in ("sleepviz", "app", "pages") for path in (ROOT / part).rglob("*.py")]

    assert {str(path.relative_to(ROOT)) for path in files if counted.search(path.read_text(encoding="utf-8"))} == {
        "sleepviz/config/places.py",
        "app/main.py",  # Streamlit starts it before the packages can be found
    }


def test_torch_is_pinned() -> None:
    assert requirements("requirements.txt")["torch"] == "==2.13.0"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_or_bounded_on_both_sides(name: str) -> None:
    loose = {
        distribution: specifier
        for distribution, specifier in requirements(name).items()
        if not specifier.startswith("==") and not (">=" in specifier and re.search(r",<\d", specifier))
    }

    assert loose == {}


def test_everything_that_the_app_imports_is_required() -> None:
    """Or is an extra that its command asks for."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    on_demand = {re.split(r"[<>=]", each)[0] for each in extras["dask"]}

    assert third_party(("sleepviz", "app", "pages")) - set(requirements("requirements.txt")) == on_demand


def test_everything_that_the_tests_import_is_required() -> None:
    known = {**requirements("requirements.txt"), **requirements("requirements-dev.txt")}

    assert third_party(("tests",)) - set(known) == set()


def test_streamlit_reads_the_settings_and_asks_nothing_at_the_first_start() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))

    assert settings["server"]["fileWatcherType"] == "none"
    assert settings["server"]["showEmailPrompt"] is False
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["client"]["showErrorDetails"] == "type"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("def test_it(): pass", 0),
        ("import pytest\ndef test_it(): pytest.skip('no')", 1),
        ("import pytest\ndef test_it(): pass\n@pytest.mark.skip\ndef test_other(): pass", 1),
        ("import pytest\ndef test_it(): pass\n@pytest.mark.xfail\ndef test_other(): assert False", 1),
        ("import pytest\npytest.importorskip('no_such_module')\ndef test_it(): pass", 5),
        ("def test_it(): assert False", 1),
    ],
)
def test_a_skipped_test_fails_the_run_where_skips_are_forbidden(body: str, status: int, tmp_path: Path) -> None:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_planted.py").write_text(body, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    pytest_run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--forbid-skips", str(tmp_path)]

    done = subprocess.run(pytest_run, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    assert done.returncode == status, done.stdout
    assert ("forbidden by --forbid-skips" in done.stdout) == ("skip" in body or "xfail" in body)
