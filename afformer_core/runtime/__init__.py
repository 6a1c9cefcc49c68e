# SPDX-License-Identifier: Apache-2.0
"""Grounding at run time: the user's API and its sessions."""

from afformer_core.runtime.array_grounder import ArrayGrounder
from afformer_core.runtime.backends import BACKENDS
from afformer_core.runtime.demonstration import Demonstration
from afformer_core.runtime.grounding import Grounding
from afformer_core.runtime.peaks import Peak
from afformer_core.runtime.session import Memory, Session
from afformer_core.runtime.shipped_model import shipped_model_folder

__all__ = [
    'BACKENDS',
    'ArrayGrounder',
    'Demonstration',
    'Grounding',
    'Memory',
    'Peak',
    'Session',
    'shipped_model_folder',
]
