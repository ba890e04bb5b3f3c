# Two commands do everything: `make course` and `make test`. Each sets itself up, and a second run does only
# what changed.

PYTHON ?= python3
TORCH ?= torch==2.13.0
# Where PyTorch comes from; for a build without CUDA: make course TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
PYTEST_ARGS ?=

COURSE := course
BIN := .venv/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
export PATH := $(CURDIR)/$(BIN):$(PATH)
# One thread for each process: grading and tests run side by side.
export OMP_NUM_THREADS ?= 1

EXERCISES := $(wildcard exercises/*/*.md)
NOTEBOOKS := $(EXERCISES:.md=.ipynb)
JUDGES := $(wildcard solutions/*.py) $(shell find autograder -name '*.py') _config.yml
RECORDED := $(wildcard layercake/recorded/*.json experiments/*.py)
PAGES := _config.yml _toc.yml $(shell find book layercake/figures -type f -not -path '*/__pycache__/*')

# Two things side by side: what each command says is kept together, where make can (from version 4 on).
SIDE_BY_SIDE = @$(MAKE) --no-print-directory --jobs=2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=line)

.PHONY: course test book release class lock soundness benchmark clean help
.DELETE_ON_ERROR:

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /: /' | sort

course: ## Install, build the book and the notebooks, grade an example class, and say where each is
	$(SIDE_BY_SIDE) book class
	@echo
	@echo "The book        file://$(CURDIR)/_build/html/index.html"
	@echo "The exercises   $(NOTEBOOKS)"
	@echo "The gradebook   $(CURDIR)/$(COURSE)/gradebook.db"
	@echo "The feedback    $(CURDIR)/$(COURSE)/feedback/STUDENT/attention/attention.html"
	@echo "The report      file://$(CURDIR)/$(COURSE)/report/attention.html"

# Four tests side by side on two cores: some of them wait. File by file as they are named (see tests/conftest.py), since
# xdist's own order leaves those with few and long tests to the end.
test: ## Install and run all tests
	$(SIDE_BY_SIDE) .colab/.installed .stamps/system-test
	ruff check . && ruff format --check .
	pytest --numprocesses=4 --dist=loadscope --no-loadscope-reorder --durations=8 $(PYTEST_ARGS)

release: .stamps/release ## Generate the exercise notebooks from their sources, and the ledger from the recorded results
book: .stamps/book ## Build the book into _build/html

class: .stamps/release .stamps/system-course ## Make an example class of submissions and grade it
	autograder example attention --course $(COURSE)
	autograder grade attention --course $(COURSE)
	autograder feedback attention --course $(COURSE)
	autograder report attention --course $(COURSE)

lock: | .venv/bin/uv ## Resolve all dependencies to their newest versions within the bounds, into the locks
	@$(call resolve,--all-extras pyproject.toml,requirements.lock)
	@echo torch | { $(call resolve,- tests/colab/requirements.txt,tests/colab/requirements.lock); }

soundness: .venv/.installed ## Print how sound the checks are: mistakes, alternatives, mutations
	python -m autograder.checking.soundness

benchmark: .stamps/release .stamps/system-course ## Compare with others: models, tokenizer, rewards, grading, attacks; takes hours
	python benchmarks/village.py
	python benchmarks/bpe.py
	python benchmarks/training.py
	python benchmarks/generation.py
	python benchmarks/real.py
	python benchmarks/equal_budget.py
	python benchmarks/rl.py
	python benchmarks/grading.py
	python benchmarks/class_of_1000.py
	python benchmarks/attacks.py
	python benchmarks/similarity.py
	python benchmarks/flakes.py

clean: ## Remove what was generated, but not the course folder
	rm -rf _build .stamps .venv .colab

.stamps/release: .venv/.installed $(EXERCISES) $(JUDGES) $(RECORDED)
	autograder release --course $(COURSE)
	python -m autograder.checking.edges
	python -m experiments.ledger
	@mkdir -p .stamps && touch $@

.stamps/book: .stamps/release $(PAGES) $(NOTEBOOKS)
	jupyter-book build --warningiserror --nitpick --keep-going .
	@mkdir -p .stamps && touch $@

# --- Setting up ---------------------------------------------------------------------------------------------

# PyTorch comes after the locks, which hold what it needs but neither itself nor CUDA: which build is up to you.
.venv/.installed: requirements.lock pyproject.toml | .venv/bin/uv
	@echo "Installing into .venv: a minute or two; 2 GB, and several more if PyTorch comes with CUDA (see TORCH_INDEX)"
	@$(call pip_install,.venv) --no-deps --requirement requirements.lock --editable .
	@$(call pip_install,.venv) $(TORCH) $(if $(TORCH_INDEX),--default-index $(TORCH_INDEX))
	@$(call compile,.venv)
	@touch $@

# Colab's versions of what a learner's notebook runs on, for the tests of the learner's path.
.colab/.installed: tests/colab/requirements.lock .venv/.installed
	@echo "Installing Colab's versions into .colab: a minute, 1 GB"
	@$(call make_venv,.colab)
	@$(call pip_install,.colab) --no-deps --requirement $<
	@$(call pip_install,.colab) $(TORCH) $(if $(TORCH_INDEX),--default-index $(TORCH_INDEX))
	@$(call compile,.colab)
	@touch $@

.venv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		|| { echo "Layer Cake needs Python 3.11 to 3.13; say which: make PYTHON=python3.12"; exit 1; }
	@$(call make_venv,.venv)
	@$(BIN)/pip install --quiet --constraint requirements.lock uv

# After what may install python3-venv: apt-get does one thing at a time.
.stamps/system-course: | .venv/bin/uv
	@$(call need,bwrap,bubblewrap)
	@mkdir -p .stamps && touch $@

.stamps/system-test: .stamps/system-course
	@$(call need,chromium,chromium)
	@$(call need,git,git)
	@touch $@

# uv does not read pip's settings: what pip was told about where packages come from is told to uv.
as_pip = eval "$$($(BIN)/pip config list | sort -r | sed -nE -e "s/'\\\\n/'/; s/\\\\n/ /g" \
	-e "s/.*\.index-url=/export UV_DEFAULT_INDEX=/p" \
	-e "s/.*\.extra-index-url=/export UV_INDEX_STRATEGY=unsafe-best-match UV_INDEX=/p" \
	-e "/\.find-links=/s/ /,/g" -e "s/.*\.find-links=/export UV_FIND_LINKS=/p" \
	-e "s/.*\.no-index=.*/export UV_NO_INDEX=1/p" \
	-e "s/.*\.trusted-host=/export UV_INSECURE_HOST=/p" \
	-e "s/.*\.proxy=/export ALL_PROXY=/p" \
	-e "s/.*\.cert=/export SSL_CERT_FILE=/p")"
pip_install = $(as_pip); $(BIN)/uv pip install --quiet --python $(1)
resolve = $(as_pip); resolved=$$($(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header \
	--annotation-style line $(1)) && { echo "\# Made by: make lock"; echo "$$resolved" \
	| grep -vE '^(torch|triton|cuda-|nvidia-)'; } > $(2)
# As pip does, but on all cores, and without what hardly anybody loads. A file that no Python can read is no fault.
compile = $(1)/bin/python -m compileall -qq -j 0 -x '/tests?/|/transformers/models/' $(1)/lib || true
make_venv = $(PYTHON) -m venv $(1) || { $(call install,python3-venv) && $(PYTHON) -m venv $(1); }
need = command -v $(1) > /dev/null || { $(call install,$(2)); }
install = echo "Installing $(1)"; \
	{ $(SUDO) apt-get update -qq && $(SUDO) apt-get install -qq -y --no-install-recommends $(1) > /dev/null; } \
	|| { echo "Please install $(1), then run make again"; exit 1; }
