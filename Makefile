# `make run` serves on this machine. `make test` checks what a commit may break, within five minutes;
# `make test-all` is for a release: both versions of Postgres, full sizes, many more examples.
# `make faults-short` lets Postgres, workers, disks and senders fail for a minute or two,
# `make faults` for some twenty minutes. `make bench` compares with what one would write instead
# (`make bench QUICK=1` does so briefly), `make lock` renews the lock files.
# `make run PYTHON=/path/to/python3` takes another Python, `PORT=8001 make run` another port.
#
# Relative paths only: the project's folder may have any name.

.PHONY: run lint test test-all faults faults-short bench lock venv

# Whatever the shell exports (production's settings, say) has no part in what runs here.
only = exec env -i PATH="$$PATH" HOME="$$HOME" TERM="$$TERM"
python = .venv/bin/python
# Idle processes take tests over from busy ones, so that both end at the same time.
pytest = $(only) CI="$$CI" $(python) -m pytest --numprocesses 2 --dist worksteal --durations 10
compile = .venv/bin/uv pip compile pyproject.toml --quiet --upgrade --universal \
	--python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header

run: venv
	@$(only) PORT="$$PORT" $(python) -m dev.port
	@sh dev/install.sh requirements-run.txt requirements-dev.txt
	@$(only) PORT="$$PORT" DEV_DATABASE_URL="$$DEV_DATABASE_URL" $(python) -m dev.run

lint: venv
	@sh dev/install.sh requirements-dev.txt
	@$(only) $(python) -m ruff check
	@$(only) $(python) -m ruff format --check
	@$(only) $(python) -m mypy

test: lint
	@$(pytest) --ignore tests/faults

test-all: lint
	@$(pytest) --postgres=both --thorough --hypothesis-profile=thorough
	@$(pytest) tests/callbacks/test_fuzz.py tests/signatures --hypothesis-profile=long

faults-short: venv
	@sh dev/install.sh requirements-dev.txt
	@$(pytest) tests/faults

faults: venv
	@sh dev/install.sh requirements-dev.txt
	@$(pytest) tests/faults --faults=long

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
