# SPDX-License-Identifier: Apache-2.0
"""Names of models: `shipped` is one in every command that opens or exports a model."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from afformer_core.cli.options.session_options import open_grounder
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.shipped_model import (
    model_folder_to_export,
    shipped_model_folder,
    shipped_model_to_export,
)

OPTIONS = argparse.Namespace(backend='torch', threads=1, precision='auto', maximum_stages=1)


@pytest.mark.parametrize('model', [None, Path('shipped')])
def test_the_shipped_model_is_opened_by_its_name(model: Path | None) -> None:
    weights = read_description(shipped_model_folder()).all_weights_sha256
    assert open_grounder(model, OPTIONS).fingerprint.startswith(weights)


def test_the_shipped_model_is_exported_by_its_name() -> None:
    assert model_folder_to_export('shipped') == shipped_model_to_export()
    assert model_folder_to_export('models/espresso') == Path('models/espresso')
