# `make run` serves on this machine, `make test` checks everything, `make faults` lets things fail
# for some twenty minutes and tells what became of the callbacks, `make bench` compares with what
# one would write instead (`make bench QUICK=1` does so briefly), `make lock` renews the lock files.
# `make coverage` reports the lines that no test executes (`make coverage TESTS=tests/lookup`).
# `make run PYTHON=/path/to/python3` takes another Python, `PORT=8001 make run` another port.
#
# Relative paths only: the project's folder may have any name.

.PHONY: run test faults coverage bench lock venv

# Whatever the shell exports (production's settings, say) has no part in what runs here.
only = exec env -i PATH="$$PATH" HOME="$$HOME" TERM="$$TERM"
python = .venv/bin/python
compile = .venv/bin/uv pip compile pyproject.toml --quiet --upgrade --universal \
	--python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header

run: venv
	@$(only) PORT="$$PORT" $(python) -m dev.port
	@sh dev/install.sh requirements-run.txt requirements-dev.txt
	@$(only) PORT="$$PORT" DEV_DATABASE_URL="$$DEV_DATABASE_URL" $(python) -m dev.run

test: venv
	@sh dev/install.sh requirements-dev.txt
	@$(only) $(python) -m ruff check
	@$(only) $(python) -m ruff format --check
	@$(only) $(python) -m mypy
	@$(only) CI="$$CI" $(python) -m pytest --numprocesses 2

faults: venv
	@sh dev/install.sh requirements-dev.txt
	@$(only) $(python) -m pytest tests/faults --faults=long --numprocesses 2 --dist worksteal

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
