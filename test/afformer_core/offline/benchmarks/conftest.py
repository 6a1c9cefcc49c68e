# SPDX-License-Identifier: Apache-2.0
"""A model with random weights, and the command that measures it."""

import argparse
from pathlib import Path

import pytest

from afformer_core.cli.bench import add_parser
from afformer_core.models import afformer_small
from afformer_core.offline.benchmarks.latency_tables import random_model


@pytest.fixture(scope='session')
def random_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('random')
    random_model(afformer_small(('press', 'hold'), (64, 64)), folder)
    return folder


def bench(*words: object) -> int:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    arguments = parser.parse_args(['bench', *map(str, words)])
    return int(arguments.run(arguments))
