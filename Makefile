# Every target sets up what it needs. The packages go into .venv, at the versions and hashes of
# requirements.lock.

# The tritonserver that pip installs runs python models under Python 3.10 to 3.12.
SUITABLE_PYTHON = import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))
PYTHON ?= $(firstword \
	$(foreach name,python3 python3.12 python3.11 python3.10,\
		$(shell $(name) -c '$(SUITABLE_PYTHON)' 2>/dev/null && echo $(name))) \
	python3)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: .venv/.complete ## Build the demo model, serve it with Triton and evaluate it
	.venv/bin/python -m demo

.PHONY: page
page: .venv/.complete ## Build the demo model and serve it with a page to drop pictures on
	.venv/bin/python -m demo.page

# Folders of .venv with packages that tests use and that cannot, or need not, be among the others.
TEST_PACKAGES = cvat perf_analyzer kserve ray site supervision torch
.PHONY: test
test: .venv/.complete $(TEST_PACKAGES:%=.venv/%/.complete) ## Run the tests, under ten minutes
	.venv/bin/python -m pytest -n 2

.PHONY: test-long
test-long: .venv/.complete .venv/ray/.complete ## Run the tests that take minutes each
	.venv/bin/python -m pytest -m long

# Environments of their own, with NumPy 2 and much else.
TOOLS = fiftyone label_studio
.PHONY: test-tools
test-tools: .venv/cvat/.complete $(TOOLS:%=.venv/%/.complete) ## Run the tests that need Label Studio and FiftyOne (2 GB)
	.venv/bin/python -m pytest tests/client/annotation -m 'long or not long'

.PHONY: reliability
reliability: .venv/.complete ## Try each fault and hostile input many times, for half an hour
	rm -rf build/reliability
	.venv/bin/python -m pytest tests/reliability tests/hostile_inputs -m 'long or not long' \
		--reliability-rows build/reliability
	.venv/bin/python tests/reliability/table.py build/reliability

.PHONY: fuzz
fuzz: .venv/.complete .venv/atheris/.complete ## Fuzz what reads strangers' files, 5 minutes each
	PYTHONPATH=.venv/atheris .venv/bin/python -m tests.fuzz --seconds $(or $(FUZZ_SECONDS),300)

.PHONY: perf
perf: .venv/.complete .venv/perf_analyzer/.complete ## Measure the demo; the report is build/perf/report.html
	rm -rf build/perf build/perf_repository
	.venv/bin/python -m builder build --config demo/mask_rcnn_R_50_C4_shapes.yaml \
		--weights demo/mask_rcnn_R_50_C4_shapes.pkl --categories demo/val/instances.json \
		--repository build/perf_repository
	.venv/bin/python -m perf run perf/scenarios/short.yaml perf/scenarios/short_pipeline_capacity.yaml \
		--repository build/perf_repository --model-config-name onnxruntime --output build/perf
	.venv/bin/python -m perf report build/perf

# tests/test_site.py checks its links.
.PHONY: site
site: .venv/site/.complete ## Make a site of docs/: build/site/index.html
	PYTHONPATH=.venv/site:docs/site .venv/bin/python -m zensical build --clean --strict

# Each model.py is checked by itself, as Triton loads it: its folder is the root of its imports. The
# tests import from all these folders, as pytest's pythonpath in pyproject.toml lets them.
MODEL_FOLDERS = $(foreach model,preprocess network postprocess,model_repository/mask_rcnn_$(model)/1)
.PHONY: lint
lint: .venv/.complete .venv/kserve/.complete ## Check style, formatting, imports, types and manifests
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/lint-imports
	.venv/bin/mypy artifact builder client demo deploy docker/tensorrt_bindings.py perf server
	MYPYPATH=.:$(subst $() $(),:,$(MODEL_FOLDERS)) \
		.venv/bin/mypy --explicit-package-bases --namespace-packages tests
	for model in model_repository/*/1/model.py; do .venv/bin/mypy "$$model" || exit 1; done
	.venv/bin/python -m deploy.validate --kserve .venv/kserve

.PHONY: lock
lock: .venv/.complete ## Write requirements.lock anew from pyproject.toml, with the newest versions
	.venv/bin/python -m pip install --quiet uv
	.venv/bin/uv pip compile pyproject.toml --extra builder --extra client --extra server --extra video --extra dev \
		--universal --python-version 3.10 --upgrade --generate-hashes --no-emit-index-url \
		--custom-compile-command 'make lock' --quiet --output-file requirements.lock

.PHONY: clean
clean: ## Delete what the other targets wrote, .venv included
	rm -rf .venv build demo/output .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.complete: requirements.lock
	@$(PYTHON) -c '$(SUITABLE_PYTHON)' || { \
		echo "error: $(PYTHON) is missing or not a Python 3.10, 3.11 or 3.12; name one: make PYTHON=/path/to/python3.12" >&2; \
		exit 1; }
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv || { \
		rm -rf .venv; \
		echo "error: $(PYTHON) cannot make a virtual environment; on Debian or Ubuntu: sudo apt-get install python3-venv" >&2; \
		exit 1; }
	@echo "Installing the packages of requirements.lock into .venv (0.8 GB, once) ..."
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --require-hashes --requirement requirements.lock
	@touch $@

# What a folder of its own in .venv has: the packages of one file, and none that these depend on.
INSTALL_ASIDE = .venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --no-deps \
	--require-hashes --target $(@D) --requirement $<

.venv/atheris/.complete: tests/fuzz/atheris.txt .venv/.complete
	@$(INSTALL_ASIDE) --only-binary :all:
	@touch $@

.venv/kserve/.complete: deploy/validate/kserve.txt .venv/.complete
	@$(INSTALL_ASIDE)
	@touch $@

.venv/cvat/.complete: tests/client/annotation/cvat.txt .venv/.complete
	@$(INSTALL_ASIDE) --only-binary :all:
	@touch $@

$(TOOLS:%=.venv/%/.complete): .venv/%/.complete: tests/client/annotation/%.txt .venv/.complete
	@echo "Installing $* into .venv/$* (1 GB, once) ..."
	@.venv/bin/python -m venv --clear .venv/$*
	@.venv/$*/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

.venv/perf_analyzer/.complete: perf/runner/perf_analyzer.txt .venv/.complete
	@$(INSTALL_ASIDE)
	@touch $@

.venv/ray/.complete: tests/client/bulk/ray.txt .venv/.complete
	@$(INSTALL_ASIDE) --only-binary :all:
	@touch $@

.venv/site/.complete: docs/site/zensical.txt .venv/.complete
	@$(INSTALL_ASIDE)
	@touch $@

.venv/supervision/.complete: tests/client/conversions/supervision.txt .venv/.complete
	@$(INSTALL_ASIDE) --only-binary :all:
	@touch $@

# PyTorch without CUDA: PyPI has it with CUDA alone, which is 3 GB more.
.venv/torch/.complete: tests/model_repository/torch.txt .venv/.complete
	@{ .venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --no-deps \
		--only-binary :all: --retries 1 --target .venv/torch \
		--extra-index-url https://download.pytorch.org/whl/cpu --requirement $< && touch $@; } || \
		echo "PyTorch cannot be installed: its tests will be skipped" >&2
