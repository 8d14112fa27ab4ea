# SPDX-License-Identifier: GPL-3.0-or-later
.PHONY: demo test lint compare accuracy classes bench images readme clean

demo:            ## simulate a map, run it through Scipion and RELION, show the result
	@scripts/environment.sh
	@.venv/bin/python -m demo.run

test:            ## all tests, in real Scipion and RELION projects
	@scripts/environment.sh --with-relion
	@.venv/bin/python -m pytest -q -rs

lint:            ## style and types
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check ruff mypy
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy

compare:         ## our local scale and modified maps beside the published program's
	@scripts/environment.sh
	@.venv/bin/python -m benchmarks.compare_published $(MAPS)
	@.venv/bin/python -m benchmarks.differences

accuracy:        ## our calibrated occupancies and the published scale against known occupancies
	@scripts/environment.sh
	@.venv/bin/python -m benchmarks.occupancy --write $(MODELS)

classes:         ## what the comparison of classes finds in simulated classifications
	@scripts/environment.sh
	@.venv/bin/python -m benchmarks.classes --write

bench:           ## time and memory beside the published program's
	@scripts/environment.sh
	@.venv/bin/python -m benchmarks.performance --write $(MAPS)

images: demo     ## the README's pictures, from the demo
	@cp demo_output/demo.png demo_output/report.png demo_output/classes.png docs/images/

readme:          ## write the table of settings into README.md
	@.venv/bin/python -m scripts.settings_table

clean:
	rm -rf .venv .venv-published demo_output build dist *.egg-info
