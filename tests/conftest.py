"""Settings of every test run: offline, one thread, repeatable; and --forbid-skips for CI."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: one thread a run, as in the app
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before transformers: no test loads anything from outside

import hypothesis
import pytest

# No deadline: the machine may be busy. Derandomised: the same commit gives the same verdict.
hypothesis.settings.register_profile("sleepviz", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("sleepviz")

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")  # as in the Makefile


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --forbid-skips."""
    parser.addoption("--forbid-skips", action="store_true", help="fail the run if a test was skipped or xfailed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of what is not here: dask, real weights that somebody named, a CUDA device.

    torch is imported only to find out.
    """
    if importlib.util.find_spec("distributed") is None:
        without = [item for item in items if item.get_closest_marker("dask")]
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if item not in without]
    real = [item for item in items if item.get_closest_marker("real_weights")]
    if real and "SLEEPVIZ_REAL_WEIGHTS" not in os.environ:
        config.hook.pytest_deselected(items=real)
        items[:] = [item for item in items if item not in real]
    gpu = [item for item in items if item.get_closest_marker("gpu")]
    if not gpu:
        return
    import torch

    if not torch.cuda.is_available():
        config.hook.pytest_deselected(items=gpu)
        items[:] = [item for item in items if item not in gpu]


def forbidden_outcomes(config: pytest.Config) -> list[str]:
    """What --forbid-skips objects to: a line for each test that was skipped or expected to fail."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not config.getoption("--forbid-skips"):
        return []
    outcomes = ("skipped", "xfailed", "xpassed")
    return [f"{outcome}: {report.nodeid}" for outcome in outcomes for report in reporter.stats.get(outcome, ())]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Turn a green run with skips into a failed one, before the closing lines are written."""
    if session.exitstatus == pytest.ExitCode.OK and forbidden_outcomes(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which tests --forbid-skips objects to."""
    forbidden = forbidden_outcomes(config)
    if forbidden:
        terminalreporter.section("forbidden by --forbid-skips", red=True)
        for line in forbidden:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The system's Chromium, which `make test` installs."""
    for name in CHROMIUM_NAMES:
        if path := shutil.which(name):
            return path
    pytest.fail(f"The browser tests need one of {', '.join(CHROMIUM_NAMES)} on the PATH; `make test` installs it.")
