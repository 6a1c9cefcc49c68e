# SPDX-License-Identifier: Apache-2.0
# Everything a person does with a clone of this project; `make help` lists it.
# On a machine with an apt ROS 2 none of this is needed: use colcon in a workspace.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The ROS 2 distribution: kilted or jazzy. Each has its own environment and messages.
DISTRO ?= kilted
# The Python that the virtual environment is made of.
PYTHON ?= python3
# Files of your own for `make demo`, and where it leaves its images.
VIDEO ?=
IMAGE ?=
OUTPUT ?= demo_output
# Folders with pairs.json for `make real`, and one with clips.json.
PAIRS ?=
CONTACTS ?=
# Folders that hold those of the real pairs and the simulated benchmark for `make claims`; and 1 to
# repeat its trials of the arm, too.
REAL_PAIRS ?=
SIMULATED ?=
SIMULATOR ?=
# More options of pytest, such as PYTEST='-k node'.
PYTEST ?=
# More options of `make robot`, such as ROBOT='--errors'.
ROBOT ?=
# Minutes that `make soak` takes, and images that the camera sends in a second.
MINUTES ?= 60
RATE ?= 30
# The table of the paper that `make studies` computes, such as table_4b; or all of them.
TABLE ?= all
SETTINGS ?= studies/weights/weights.yaml

# The part of the slow tests that `make test-slow` runs, such as 2/5; or all.
PART ?=
# What `make mutants` draws: in folders that begin with ROOM, COUNT mistakes in each, those of a SEED;
# CHANGED=1: only in functions that differ from main.
ROOM ?=
COUNT ?=
SEED ?=
CHANGED ?=

# The folders of Kilted have no suffix, since tools and editors look for .venv.
SUFFIX := $(if $(filter kilted,$(DISTRO)),,-$(DISTRO))
VENV := .venv$(SUFFIX)
BUILD := build$(SUFFIX)
INSTALL := install$(SUFFIX)
MODEL := afformer_core/weights/afformer_small
ENVIRONMENT := export AFFORMER_DISTRO='$(DISTRO)' && source tools/environment.sh
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check
SNAKEMAKE := $(VENV)/snakemake/bin/snakemake
ROS_REQUIREMENTS := tools/ros_requirements/$(DISTRO).txt
ifeq ($(wildcard $(ROS_REQUIREMENTS)),)
$(error DISTRO is $(DISTRO); expected $(basename $(notdir $(wildcard tools/ros_requirements/*.txt))))
endif

.PHONY: help setup demo test test-slow soak lint mutants claims evaluate real robot studies weights bench docs clean distclean FORCE

help: ## list what can be made
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) \
	  | while IFS=$$'\t' read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done
	@echo
	@echo '  make demo VIDEO=demonstration.mp4 IMAGE=camera.jpg    with files of your own'
	@echo '  make setup PYTHON=python3.12                          with another Python'
	@echo '  make test DISTRO=jazzy                                on another distribution of ROS 2'

setup: $(VENV)/.development $(BUILD)/.colcon $(BUILD)/.control_msgs ## install and build everything (first: minutes, then: a second)

demo: $(BUILD)/.colcon ## ground demonstrations over ROS 2, let a simulated arm repeat some, leave films in demo_output/
	@$(ENVIRONMENT) && python -m afformer_ros.demo --output '$(OUTPUT)' \
	  $(if $(VIDEO),--video '$(VIDEO)') $(if $(IMAGE),--image '$(IMAGE)')

test: setup ## run the tests
	@tools/install_browser.sh
	@$(ENVIRONMENT) && python -m pytest -m 'not slow and not soak' -n 3 --dist loadscope $(PYTEST)

test-slow: setup $(SNAKEMAKE) ## run the tests that take minutes each (PART=2/5: the second fifth of them)
	@tools/install_browser.sh
	@$(ENVIRONMENT) && python -m pytest -m slow $(if $(PART),--splitting-algorithm least_duration \
	  --group $(firstword $(subst /, ,$(PART))) --splits $(lastword $(subst /, ,$(PART)))) $(PYTEST)

soak: setup ## ground an hour of camera images with depth, print times and memory
	@$(ENVIRONMENT) && SOAK_MINUTES='$(MINUTES)' SOAK_RATE='$(RATE)' python -m pytest -m soak -s $(PYTEST)

lint: setup ## check style and types
	@$(ENVIRONMENT) && ruff check . && ruff format --check . && mypy \
	  && oxlint --deny-warnings afformer_core

mutants: setup ## count the small mistakes that the tests notice (hours; ROOM=folder: in one, COUNT=20: in each, CHANGED=1: in what differs from main, SEED=number)
	@$(ENVIRONMENT) && python -m tools.mutants $(if $(ROOM),--room '$(ROOM)') \
	  $(if $(COUNT),--count '$(COUNT)') $(if $(SEED),--seed '$(SEED)') $(if $(CHANGED),--changed "$$(git merge-base HEAD main)")

claims: setup ## compare the numbers of README and accuracy pages with their results, and recompute those whose data is here (REAL_PAIRS=folder: half an hour; SIMULATED=build/simulated: minutes; SIMULATOR=1: an hour)
	@$(ENVIRONMENT) && REAL_PAIRS='$(REAL_PAIRS)' SIMULATED='$(SIMULATED)' SIMULATOR='$(SIMULATOR)' python -m tools.claims

evaluate: setup ## measure the shipped model on the simulated benchmark
	@$(ENVIRONMENT) && for split in test-seen test-unseen test-buttons test-absent; do \
	  afformer simulate build/simulated --split $$split --scenes 300 --demonstrations 2 \
	    --targets 1 --processes 2; done
	@$(ENVIRONMENT) && afformer evaluate --benchmark build/simulated --pairs-per-group 1 --processes 2

real: setup ## measure the shipped model on real pairs and clips of your own (PAIRS='folder folder' CONTACTS=folder)
	@if [ -z '$(PAIRS)$(CONTACTS)' ]; then echo "name folders with pairs.json, one with clips.json, or both: make real PAIRS='folder folder' CONTACTS=folder" >&2; exit 1; fi
	@$(ENVIRONMENT) && afformer evaluate $(if $(PAIRS),--pairs $(PAIRS)) \
	  $(if $(CONTACTS),--contacts '$(CONTACTS)') --report build/real_pairs.html

robot: setup ## let a simulated arm repeat 100 demonstrations over ROS 2 and count what it has done (half an hour)
	@$(ENVIRONMENT) && python -m afformer_ros.robot_trials --scenes 100 --noise 0.01 \
	  --json build/robot_trials.json $(ROBOT)

studies: setup $(SNAKEMAKE) ## train and measure the rows of the paper's tables on simulated data (TABLE=table_4b; hours)
	@$(ENVIRONMENT) && $(SNAKEMAKE) --snakefile studies/Snakefile '$(TABLE)'

weights: setup $(SNAKEMAKE) ## make the weights of a decoder with a matching network, from rendering to their card (about a day; continues where it stopped; SETTINGS=studies/weights/smoke.yaml: minutes)
	@$(ENVIRONMENT) && $(SNAKEMAKE) --snakefile studies/weights/Snakefile \
	  --workflow-profile studies/profiles/default --configfile $(SETTINGS)

bench: setup ## measure the milliseconds per camera image
	@$(ENVIRONMENT) && afformer bench

docs: setup ## build the site of the documentation into build/site, warnings are errors
	@$(ENVIRONMENT) && NO_MKDOCS_2_WARNING=1 python -m mkdocs build --strict

clean: ## remove what was built, keep the installed packages
	rm -rf build build-* install install-* log demo_output .snakemake .mypy_cache .pytest_cache .ruff_cache
	rm -rf $(foreach folder,$(MODEL) $(MODEL)/matching,$(addprefix $(folder)/,fp16 bf16))
	find . -path './.venv*' -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf

distclean: clean ## remove the installed packages as well
	rm -rf .venv .venv-*

# Each step below leaves its stamp only when it is done, so an interrupted setup resumes at the
# step it was in. A step that would start from the remains of an interrupted one clears them first.

# What was built for an environment does not fit the next one: CMake keeps its paths.
$(VENV)/.created: $(shell tools/environment_is_stale.sh $(VENV) \
  $(if $(findstring command line,$(origin PYTHON)),'$(PYTHON)'))
	@tools/check_python.sh '$(PYTHON)'
	@tools/install_system_packages.sh '$(PYTHON)'
	@echo 'Creating $(VENV)'
	@rm -rf $(BUILD)/colcon $(INSTALL)
	@'$(PYTHON)' -m venv --clear $(VENV)
	@pwd -P > $@

# What the demo needs.
$(VENV)/.packages: pyproject.toml setup.py $(VENV)/.created
	@echo 'Installing this package and what it needs'
	@tools/drop_incomplete_packages.sh $(VENV)
	@$(PIP) install --editable '.[sim,robot,ros]' | tools/show_installation.sh
	@touch $@

# The stubs of TensorRT depend on a package that pip cannot install everywhere.
$(VENV)/.development: tools/fix_tensorrt_stubs.py $(VENV)/.ros
	@echo 'Installing what training, tests and documentation need: minutes and 4 GB the first time'
	@tools/drop_incomplete_packages.sh $(VENV)
	@$(PIP) install --editable '.[offline,sim,robot,studies,studio,tensorrt,remote,cluster,ros,docs,dev]' \
	  | tools/show_installation.sh
	@# colcon needs an older setuptools than these packages bring along.
	@$(PIP) install --quiet --requirement $(ROS_REQUIREMENTS)
	@$(PIP) install --quiet --no-deps 'tensorrt-stubs>=10.13'
	@$(VENV)/bin/python tools/fix_tensorrt_stubs.py
	@touch $@

# It wants other releases of what this package needs, too.
$(SNAKEMAKE): $(VENV)/.created
	@echo 'Installing Snakemake'
	@rm -rf $(VENV)/snakemake
	@'$(PYTHON)' -m venv $(VENV)/snakemake
	@$(VENV)/snakemake/bin/pip --disable-pip-version-check install --quiet 'snakemake>=9,<10'
	@touch $@

$(VENV)/.ros: $(ROS_REQUIREMENTS) tools/fix_ros_prefix.py $(VENV)/.packages
	@echo 'Installing ROS 2 $(DISTRO)'
	@tools/drop_incomplete_packages.sh $(VENV)
	@$(PIP) install --requirement $(ROS_REQUIREMENTS) | tools/show_installation.sh
	@$(VENV)/bin/python tools/fix_ros_prefix.py
	@touch $@

# colcon with options; it warns about every folder of AMENT_PREFIX_PATH that it did not install
# itself, such as .venv.
COLCON = env -u PYTHONPATH -u COLCON_PREFIX_PATH PATH="$(CURDIR)/$(VENV)/bin:$$PATH" \
  AMENT_PREFIX_PATH="$(CURDIR)/$(VENV)" CMAKE_PREFIX_PATH="$(CURDIR)/$(VENV)" \
  colcon --log-level error --log-base $(BUILD)/log build --symlink-install \
  --build-base $(BUILD)/colcon --install-base $(INSTALL) \
  --cmake-args -DPython3_EXECUTABLE="$(CURDIR)/$(VENV)/bin/python" -DBUILD_TESTING=OFF \
  --base-paths

# CMake refuses exported header folders inside the source folder, and NumPy's lie in .venv; hence
# the package is built through a link to it.
$(BUILD)/.colcon: $(wildcard action/*.action msg/*.msg srv/*.srv launch/*.py config/* foxglove/* rviz/*) package.xml CMakeLists.txt $(VENV)/.ros \
  $(if $(wildcard $(INSTALL)/afformer_ros),,FORCE)
	@echo 'Building the messages'
	@mkdir -p $(BUILD)/workspace/src
	@if [ -e $(BUILD)/.colcon-running ]; then rm -rf $(BUILD)/colcon $(INSTALL); fi
	@touch $(BUILD)/.colcon-running
	@ln -sfn ../../.. $(BUILD)/workspace/src/afformer_ros
	@$(COLCON) $(BUILD)/workspace/src
	@mv $(BUILD)/.colcon-running $@

# PyPI has no control_msgs, by whose actions the planner also moves an arm.
$(BUILD)/.control_msgs: $(shell find test/doubles/control_msgs -type f) $(BUILD)/.colcon
	@echo 'Building messages for the tests of the planner'
	@$(COLCON) test/doubles/control_msgs
	@touch $@
