# make demo   the first lesson, on a machine with Python 3.11+ and nothing else; with a C++ compiler, the fast engine too
# make test   everything; make check is a part of it
# make sanitize   the engine's C++ tests under the address, undefined and thread sanitizers
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CMAKE = PATH="$(abspath $(BIN)):$$PATH" cmake  # a machine without one has that of .venv
SETUP := pyproject.toml CMakeLists.txt $(wildcard native/*.cpp native/*.hpp tools/backend/*.py)
WEB := $(shell find web -name node_modules -prune -o -type f -print)
PAGE := src/backlit/studio/page/.sources
NPM := $(BIN)/python tools/backend/backlit_page.py

unexport PYTHONSAFEPATH  # the tools import one another
.PHONY: demo test check sanitize sanitize-address sanitize-thread clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed
	@$(BIN)/backlit demo $(ARGS)
	@echo "(backlit is in $(BIN) here:  $(BIN)/backlit --help)"

test: check $(PAGE)
	$(NPM) --silent test
	$(BIN)/pytest $(ARGS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright
	$(BIN)/python tools/make_messages.py --check
	$(BIN)/python tools/make_words.py --check
	$(BIN)/python tools/draw_imports.py --check
	$(BIN)/python tools/count_lines.py
	$(NPM) run --silent check

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "backlit needs Python 3.11 or newer; say which with  make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "on Debian or Ubuntu: apt install python3-venv"; exit 1; }

$(VENV)/.installed: $(SETUP) | $(VENV)/bin/python
	@echo "Setting up ..."
	@$(BIN)/python tools/set_up.py figures studio
	@touch $@

$(VENV)/.installed-dev: $(SETUP) | $(VENV)/bin/python
	@echo "Setting up for development ..."
	@BACKLIT_REQUIRE_PAGE=1 $(BIN)/python tools/set_up.py dev
	@touch $@ $(VENV)/.installed

$(PAGE): $(WEB) | $(VENV)/.installed-dev
	@$(NPM)
	@touch $@

# Address and thread exclude each other, so each has a build of its own.
sanitize: sanitize-address sanitize-thread
sanitize-address: SANITIZERS := address,undefined
sanitize-thread: SANITIZERS := thread
sanitize-address sanitize-thread: $(VENV)/.installed-dev
	$(CMAKE) -G Ninja -S . -B build/$@ -DCMAKE_BUILD_TYPE=Debug -DBACKLIT_TEST=ON -DBACKLIT_SANITIZE=$(SANITIZERS)
	$(CMAKE) --build build/$@
	build/$@/native_test

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache $(dir $(PAGE)) web/node_modules
