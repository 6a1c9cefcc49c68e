# SPDX-License-Identifier: Apache-2.0
"""Start-up code of every Python process of a trial, which imports the mutant."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_PATH = Path(__file__).resolve().parents[1] / 'mutated_import.py'
_SPEC = spec_from_file_location('mutated_import', _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
_MODULE = module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)
_MODULE.mutate_imports_of_this_process()
