# SPDX-License-Identifier: Apache-2.0
"""Files with the same bytes under different names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from afformer_core.files.atomic import file_sha256


def same_content(paths: Iterable[Path], progress: bool = True) -> list[tuple[Path, ...]]:
    """Find the groups of files with the same bytes.

    Only files of the same length are read. Folders of frames are ignored, and links to one file
    count as one.

    Args:
        paths: paths in any order, also repeated.
        progress: whether to show a progress bar on stderr.

    Returns:
        groups of at least two paths, sorted, in the order of their first ones.
    """
    by_length: defaultdict[int, list[Path]] = defaultdict(list)
    files = {path.resolve(): path for path in sorted(set(paths), reverse=True) if path.is_file()}
    for path in files.values():
        by_length[path.stat().st_size].append(path)
    alike = [path for group in by_length.values() if len(group) > 1 for path in group]
    by_content: defaultdict[str, list[Path]] = defaultdict(list)
    for path in tqdm(alike, 'files of one length', unit='', disable=not (progress and alike)):
        by_content[file_sha256(path)].append(path)
    return sorted(tuple(sorted(group)) for group in by_content.values() if len(group) > 1)
