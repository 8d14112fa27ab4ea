# SPDX-License-Identifier: GPL-3.0-or-later
.PHONY: demo test lint compare accuracy classes ensembles runs focus loop bench faults images screenshots settings-table readme docs clean

demo:            ## simulate maps, run the main jobs in Scipion and RELION, draw the results
	@scripts/environment.sh
	@.venv/bin/python -m demo.run

test:            ## run all tests, in real Scipion and RELION projects
	@scripts/environment.sh --with-relion
	@.venv/bin/python -m pytest -q -rs -n 2 --dist loadfile

lint:            ## check style, types and the rules for the layout
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check ruff mypy
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy
	@.venv/bin/python -m pytest -q tests/test_packages.py

compare:         ## compare our local scale and modified maps with the published program's
	@scripts/environment.sh
	@.venv/bin/python -m benchmarks.compare_published $(MAPS)
	@.venv/bin/python -m benchmarks.differences

accuracy:        ## measure the error of calibrated occupancies and of the published scale
	@scripts/environment.sh
	@.venv/bin/python -m benchmarks.occupancy --write $(MODELS); status=$$?; \
		.venv/bin/python -m benchmarks.model --write && exit $$status

classes:         ## measure how well classes are compared, in simulated classifications
	@scripts/environment.sh
	@.venv/bin/python -m benchmarks.wedge --write
	@.venv/bin/python -m benchmarks.classes --write

ensembles:       ## measure what is found in simulated ensembles of many volumes, and the time and memory of such jobs
	@scripts/environment.sh
	@.venv/bin/python -m benchmarks.ensembles --write

runs:            ## measure how well classes are compared, in classifications by RELION of simulated particles
	@scripts/environment.sh --with-relion
	@.venv/bin/python -m benchmarks.runs --write $(if $(RUNS),--folder $(RUNS))
	@.venv/bin/python -m benchmarks.runs.confidence --write $(if $(RUNS),--folder $(RUNS))

focus:           ## measure in RELION what a classification within our regions gains, on particles with known truth
	@scripts/environment.sh --with-relion
	@.venv/bin/python -m benchmarks.focus --write

loop:            ## measure in RELION what weighting the class maps in the loop gains, on particles with known truth
	@scripts/environment.sh --with-relion
	@.venv/bin/python -m benchmarks.loop --write $(if $(RUNS),--folder $(RUNS))

bench:           ## measure time and memory of this package and of the published program
	@scripts/environment.sh
	@.venv/bin/python -m benchmarks.performance --write $(MAPS)

faults:          ## give jobs damaged files and odd settings, kill them, and run one on many maps
	@scripts/environment.sh
	@.venv/bin/python -m benchmarks.faults --write

images: demo     ## copy the demo's pictures to docs/images
	@cp demo_output/demo.png demo_output/surface.png demo_output/report.png demo_output/classes.png demo_output/model.png docs/images/

screenshots: demo  ## take the pictures of the tutorial, and one of each window and page, from RELION and Scipion
	@.venv/bin/python -m scripts.screenshots

settings-table:  ## write the table of settings into docs/settings.md
	@.venv/bin/python -m scripts.settings_table

readme: settings-table

docs:            ## build the documentation as a site, in site/
	@scripts/environment.sh
	@.venv/bin/python -c 'import mkdocs' 2>/dev/null || \
		.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[docs]"
	@.venv/bin/mkdocs build --strict --quiet
	@echo "The documentation: site/index.html"

clean:
	rm -rf .venv .venv-published demo_output site build dist *.egg-info
