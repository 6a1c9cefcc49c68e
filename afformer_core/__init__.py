# SPDX-License-Identifier: Apache-2.0
"""Afformer: grounding of the affordance shown in a video in another image, without ROS.

`Grounder` and `ground` are the interface for programs; the subpackages implement them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from afformer_core.errors import AfformerError

__version__ = '0.2.0'
__all__ = ['AfformerError', 'Grounder', 'Grounding', 'Peak', '__version__', 'ground']

if TYPE_CHECKING:
    from afformer_core.grounder import Grounder, ground
    from afformer_core.runtime import Grounding, Peak
else:
    # Imported on first use, so that `import afformer_core` stays fast.
    _MODULES = {
        'Grounder': 'afformer_core.grounder',
        'Grounding': 'afformer_core.runtime',
        'Peak': 'afformer_core.runtime',
        'ground': 'afformer_core.grounder',
    }

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
        value = getattr(importlib.import_module(_MODULES[name]), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
