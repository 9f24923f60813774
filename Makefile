# make run     starts the service on this machine, with a database and a simulated Twilio.
#              `make run PYTHON=/path/to/python3` uses another Python, `PORT=8001 make run` another
#              port.
# make test    runs the linters, the type checker and all tests.
# make faults  injects faults for about twenty minutes, and checks that no callback is lost.
# make bench   measures the service against the usual alternatives; `make bench QUICK=1` is short.
# make lock    updates the lock files.
#
# Only relative paths are used, so the path of the project's folder may contain any character.

.PHONY: run test faults bench lock venv

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
