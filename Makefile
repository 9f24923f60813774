# `make run` serves on this machine. `make test` checks what a commit may break, in five minutes.
# `make test-all` is for releases: both versions of Postgres, full sizes, many more examples.
# `make faults-short` makes Postgres, workers, disks and senders fail for three minutes, then attacks
# the service for one; `make faults` takes thirty minutes. `make bench` compares the service with its
# alternatives, `make bench QUICK=1` briefly.
# `make coverage` reports the lines that no test executes (`make coverage TESTS=tests/lookup`).
# `eval "$(make -s env)"` gives a shell the settings of the running `make run`.
# `make lock` renews the lock files.
# `make run PYTHON=/path/to/python3` uses another Python, `PORT=8001 make run` another port.
#
# All paths are relative, so that the project's folder may have any name.

.PHONY: run env lint test test-all faults faults-short coverage bench lock venv

# Nothing that the shell exports, such as production's settings, reaches what runs here.
only = exec env -i PATH="$$PATH" HOME="$$HOME" TERM="$$TERM"
python = .venv/bin/python
# Worksteal: a process that has finished takes over tests of the others. Tests wait for servers and
# disks nearly half of the time, so two cores have work for four processes. Faults have figures of
# time, so they have two.
pytest = $(only) CI="$$CI" $(python) -m pytest --dist worksteal --durations 10 --numprocesses
# Attacks run alone, because they measure how long callbacks take.
attacks = $(only) CI="$$CI" $(python) -m pytest tests/faults/attacks
compile = .venv/bin/uv pip compile pyproject.toml --quiet --upgrade --universal \
	--python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header

run: venv
	@$(only) PORT="$$PORT" $(python) -m dev.port
	@sh dev/install.sh requirements-run.txt requirements-dev.txt
	@$(only) PORT="$$PORT" DEV_DATABASE_URL="$$DEV_DATABASE_URL" $(python) -m dev.run

env:
	@cat .local/environment 2>/dev/null || { echo "make run is not running here." >&2; exit 1; }

lint: venv
	@sh dev/install.sh requirements-dev.txt
	@$(only) $(python) -m ruff check
	@$(only) $(python) -m ruff format --check
	@$(only) $(python) -m mypy

test: lint
	@$(pytest) 4 --ignore tests/faults

test-all: lint
	@$(pytest) 3 --postgres=both --thorough --hypothesis-profile=thorough
	@$(pytest) 3 tests/callbacks/test_fuzz.py tests/signatures --hypothesis-profile=long

faults-short: venv
	@sh dev/install.sh requirements-dev.txt
	@$(pytest) 2 tests/faults --ignore tests/faults/attacks
	@$(attacks)

faults: venv
	@sh dev/install.sh requirements-dev.txt
	@$(pytest) 2 tests/faults --ignore tests/faults/attacks --faults=long
	@$(attacks) --faults=long

coverage: venv
	@sh dev/install.sh requirements-dev.txt
	@$(only) $(python) -m coverage erase
	@$(only) $(python) -m coverage run -m pytest --numprocesses 2 $(TESTS)
	@$(only) $(python) -m coverage combine --quiet
	@$(only) $(python) -m coverage report

bench: venv
	@sh dev/install.sh requirements-bench.txt
	@$(only) $(python) -m bench $(if $(QUICK),--quick)

lock: venv
	@sh dev/install.sh requirements-dev.txt
	$(compile) --output-file requirements-dev.txt --group dev
	$(compile) --output-file requirements-run.txt --group run --constraints requirements-dev.txt
	$(compile) --output-file requirements.txt --constraints requirements-dev.txt
	$(compile) --output-file requirements-bench.txt --group bench --constraints requirements-dev.txt

venv:
	@sh dev/venv.sh
