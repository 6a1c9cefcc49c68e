# SPDX-License-Identifier: Apache-2.0
"""A check of the media of pairs by their headers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from afformer_core.errors import AfformerError
from afformer_core.media.frame_folder import FrameFolder
from afformer_core.studio.labelling.point_labels import LabelledPair
from afformer_core.studio.limits import Limits, require_small_image, require_small_video


def unreadable_media(pairs: Iterable[LabelledPair], limits: Limits) -> dict[Path, str]:
    """Find the demonstrations and images that cannot be read or exceed a limit, with the reason.

    Files are opened, not decoded.
    """
    checks: dict[Path, Callable[[Path, Limits], None]] = {}
    for pair in pairs:
        checks[pair.demonstration] = _require_demonstration
        checks[pair.image] = _require_image
    found = {}
    for path, check in checks.items():
        try:
            check(path, limits)
        except (AfformerError, OSError) as error:
            found[path] = str(error)
    return found


def _require_demonstration(path: Path, limits: Limits) -> None:
    if path.is_dir():
        FrameFolder(path).paths()
    else:
        require_small_video(path, limits, path.name)


def _require_image(path: Path, limits: Limits) -> None:
    require_small_image(path, limits, path.name)
