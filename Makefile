# Set-up and checks. UV_TORCH_BACKEND=cpu takes the small torch of a machine without a GPU.
CORES ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.8

.PHONY: demo app crate bench docs test test-quick test-long lint format lock verify outside clean help

## Build all five studies at demo scale on synthetic images, ending with the report's path.
demo: .venv/installed
	$(BIN)/snakemake --cores $(CORES) --logger gliomake -- all
	@echo "report: $(CURDIR)/reports/build/index.html"
	@echo "next:   make app         try the models on scans, in a browser"
	@echo "        make verify      compute every number of the report again"
	@echo "        config/README.md where to get the real data, and how to use your own"

## Open the web page on which trained models are tried; works right after `make demo`.
app: .venv/installed
	$(BIN)/gliomake app

## Recompute every number of the report from its counts; with DEEP=1 from the predictions.
verify: .venv/installed
	$(BIN)/snakemake --cores 1 --quiet rules host progress -- verify$(if $(DEEP),_deep)

## Describe the finished build as a Workflow Run RO-Crate, in reports/build/crate.
crate: .venv/installed
	$(BIN)/snakemake --reporter crate --quiet all -- all

## Measure how fast everything is, beside the plain way; one table in a quarter of an hour.
bench: .venv/installed
	$(BIN)/python benchmarks/bench.py

## Compute again what others published, and write docs/checked-from-outside.md.
outside: .venv/installed
	$(BIN)/python benchmarks/outside.py

## Build the documentation into site/; it reads without a network.
docs: .venv/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "documentation: $(CURDIR)/site/index.html"

## Run every test.
test: .venv/installed
	$(BIN)/python -m pytest -n $(CORES) --dist loadgroup --no-loadscope-reorder

## Run the tests that take under two minutes on two cores.
test-quick: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(CORES) --dist loadgroup --no-loadscope-reorder \
	  -m "not long and not slow and not browser" tests/unit tests/workflow

## What takes too long for every change: 10 000 spoilt files of every format.
test-long: .venv/installed
	$(BIN)/python -m pytest -m long

## Check style, types and the workflow.
lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/Snakefile workflow/rules
	$(BIN)/snakemake --lint
	$(BIN)/mypy

## Put code and rules into the common layout.
format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow/Snakefile workflow/rules

# uv takes torch and torchvision as the pair that fits; plain pip can mix a CPU torch with a CUDA
# torchvision, which does not import. Compiled bytecode halves every job's start.
.venv/installed: requirements.lock pyproject.toml | $(BIN)/uv
	$(BIN)/uv pip install --python $(BIN)/python --compile-bytecode --quiet -r requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --quiet --editable .
	touch $@

$(BIN)/uv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# The CUDA packages come with torch and are left out of the lock, so that the CPU build fits too.
CUDA := cuda-bindings cuda-pathfinder cuda-toolkit triton $(addprefix nvidia-,cublas cuda-cupti \
  cuda-nvrtc cuda-runtime cudnn-cu13 cufft cufile curand cusolver cusparse cusparselt-cu13 nccl-cu13 \
  nvjitlink nvshmem-cu13 nvtx)

## Resolve requirements.lock anew from pyproject.toml.
lock: | $(BIN)/uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --fork-strategy fewest \
	  --extra app --group dev $(addprefix --no-emit-package=,$(CUDA)) --custom-compile-command "make lock" \
	  pyproject.toml --output-file requirements.lock

## Remove all that was built: results, logs, synthetic images and the report.
clean:
	rm -rf results logs reports/build site .snakemake resources/phantoms

## List these targets.
help:
	@awk '/^## / { text = substr($$0, 4) } \
	  /^[a-z-]+:/ && text { printf "make %-10s %s\n", substr($$1, 1, index($$1, ":") - 1), text; text = "" }' \
	  $(MAKEFILE_LIST)
