# make app     install what the app needs into .venv, and open it on http://localhost:8501
# make test    install what the tests need, and run every check
# make lint    ruff and mypy alone
# make film    film the recorded run for the README
# make clean   remove .venv and every cache
#
# PORT=8600 serves elsewhere, ADDRESS=0.0.0.0 for other machines too; PYTHON=/path/to/python chooses
# the interpreter; GPU=1 takes the default build of torch, which on Linux brings CUDA; PYTEST_ARGS="-k rule110"
# goes to pytest.

SHELL := /bin/sh
PORT ?= 8501
ADDRESS ?= 127.0.0.1
PYTHON ?=
GPU ?=
PYTEST_ARGS ?=
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
TORCH_WAIT_S ?= 10

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input
TORCH := $(shell sed -n 's/^torch==//p' requirements.txt)
INSTALLED := $(VENV)/$(if $(filter 1,$(GPU)),.gpu-installed,.app-installed)
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
APT_INSTALL := DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends
CAN_APT := [ "$$(id -u)" -eq 0 ] && command -v apt-get >/dev/null

.PHONY: app test lint film clean browser another-python
.DELETE_ON_ERROR:

app: $(INSTALLED)
	$(PY) -m streamlit run app/main.py --server.port $(PORT) --server.address $(ADDRESS) --browser.serverAddress localhost

test: lint browser
	$(PY) -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.test-installed
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

# A stamp is newer than what it was made from, so a second make installs nothing.
#
# On Linux the default index has torch with CUDA: gigabytes that are of no use without an NVIDIA GPU. So torch alone is
# asked for at PyTorch's index of CPU builds, once and with a short time-out; whatever is still missing then comes from
# the default index. (Named as a second index for every package, it would be asked, and waited for, 60 times.)
$(VENV)/.app-installed: requirements.txt $(VENV)/.made
	@if [ "$$(uname -s)" = Linux ] && ! nvidia-smi -L >/dev/null 2>&1; then \
	    echo "Fetching the CPU build of torch $(TORCH): 190 MB (make app GPU=1 takes the CUDA build)."; \
	    $(PIP) install --no-deps --retries 0 --timeout $(TORCH_WAIT_S) --index-url $(TORCH_INDEX) torch==$(TORCH)+cpu \
	    2>/dev/null || echo "$(TORCH_INDEX) gave no CPU build. The default index serves torch with CUDA: 2.7 GB."; \
	fi
	@echo "Fetching the packages of requirements.txt that are not here yet: 170 MB beside torch."
	$(PIP) install -r requirements.txt
	@touch $@

$(VENV)/.gpu-installed: requirements.txt $(VENV)/.made
	@echo "Fetching the default build of torch $(TORCH), on Linux with CUDA (2.7 GB), and 170 MB of other packages."
	@case "$$($(PIP) show torch 2>/dev/null)" in *+cpu*) $(PIP) uninstall -y torch ;; esac
	$(PIP) install -r requirements.txt
	@touch $@ $(VENV)/.app-installed

$(VENV)/.test-installed: requirements-dev.txt $(INSTALLED)
	$(PIP) install -r requirements-dev.txt
	@touch $@

# Keeps a working .venv that was made by hand, unless PYTHON names another version. Debian keeps venv in a package of
# its own.
$(VENV)/.made: $(if $(PYTHON),another-python)
	@if $(PY) -c '$(SUPPORTED)' 2>/dev/null && $(PIP) --version >/dev/null 2>&1 \
	    $(if $(PYTHON),&& [ "$$($(PYTHON) --version)" = "$$($(PY) --version)" ]); then \
	    [ -e $@ ] || touch $@; exit 0; \
	fi; \
	python=; \
	for candidate in $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3); do \
	    if $$candidate -c '$(SUPPORTED)' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "sleepviz needs Python 3.11, 3.12, 3.13 or 3.14, and found none: install one, or name it with make PYTHON=..." >&2; exit 1; \
	fi; \
	if ! $$python -c 'import venv, ensurepip' 2>/dev/null; then \
	    package=$$($$python -c 'import sys; print("python3.%d-venv" % sys.version_info[1])'); \
	    if $(CAN_APT); then apt-get update -q && $(APT_INSTALL) $$package ca-certificates || exit 1; \
	    else echo "Python's venv module is missing: run 'sudo apt-get install $$package', then make again." >&2; exit 1; fi; \
	fi; \
	echo "making $(VENV) with $$($$python --version)"; \
	$$python -m venv --clear $(VENV) && touch $@

# The browser tests drive the system's Chromium through Playwright, whose Node.js needs libatomic.
browser: $(VENV)/.test-installed
	@missing=; \
	command -v chromium || command -v chromium-browser || command -v google-chrome || missing=chromium; \
	$(PY) -m playwright --version 2>/dev/null || missing="$$missing libatomic1"; \
	[ -z "$$missing" ] && exit 0; \
	if $(CAN_APT) && apt-get update -q && $(APT_INSTALL) $$missing; then exit 0; fi; \
	echo "The browser tests need what is missing here: run 'sudo apt-get install $$missing' on Debian;" >&2; \
	echo "Ubuntu has no Chromium .deb, so install Google Chrome's there; then make test again." >&2; exit 1

# The README's moving picture: the recorded run on the page Watch, filmed in Chromium.
film: browser
	$(PY) -m tests.browser.film

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
