# SPDX-License-Identifier: Apache-2.0
"""Pairs with outlined parts of several folders as one list with unique names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from afformer_core.offline.data.readers.part_pairs import PartPair, PartPairsDataset


def read_pooled_pairs(folders: Sequence[Path], root: Path | None = None) -> list[PartPair]:
    """Read the pairs of folders, in their order.

    With several folders, the name of each pair consists of its folder and its id, and the name of
    a folder is the shortest unique end of its path. Without a given source, the source of a pair
    is the name of its folder.

    Args:
        folders: each with `pairs.json`, at least one.
        root: folder of the media if they are not below the folder of the pairs.

    Raises:
        DatasetError: a folder has no such file, or an entry is malformed.
        ValueError: a folder is given twice.
    """
    names = folder_names(folders)
    return [
        pair if len(names) == 1 else _of_folder(pair, name)
        for name, folder in names.items()
        for pair in PartPairsDataset(folder, root).pairs
    ]


def folder_names(folders: Sequence[Path]) -> dict[str, Path]:
    """Name folders by the shortest unique ends of their paths.

    Raises:
        ValueError: a folder is given twice.
    """
    resolved = [folder.resolve() for folder in folders]
    for number, folder in enumerate(resolved):
        if folder in resolved[:number]:
            raise ValueError(f'{folders[number]} is given twice. Give different folders')
    length = 1
    while len({folder.parts[-length:] for folder in resolved}) < len(resolved):
        length += 1
    names = ['/'.join(folder.parts[-length:]) for folder in resolved]
    return dict(zip(names, folders, strict=True))


def _of_folder(pair: PartPair, name: str) -> PartPair:
    return replace(
        pair,
        sample=replace(pair.sample, sample_id=f'{name}/{pair.sample.sample_id}'),
        folder=name,
        source=name if pair.source == pair.folder else pair.source,
    )
