# SPDX-License-Identifier: Apache-2.0
"""Conversion of Ego-Exo4D's correspondences to a manifest.

Arrange the files as docs/research/datasets.md describes, and run::

    python examples/converters/ego_exo4d.py correspondence val correspondence_val.jsonl
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from afformer_core.cli.convert import write_dataset
from afformer_core.media.frame_folder import FrameRange
from afformer_core.offline.data.annotated_dataset import AnnotatedDataset
from afformer_core.offline.data.manifest.contents import Manifest, ManifestHeader, region
from afformer_core.offline.data.polygon_mask import PolygonMask

# The dataset names no action.
_ACTION = 'interact'
# Frames of a take are numbered at 30 per second, and one per second exists.
_STEP = 30


def main(folder: str, split: str, output: str) -> None:
    """Pair the frames of each wearer that show an object with its first frame in other cameras."""
    # Its licence is a separate agreement, which every user must sign.
    header = ManifestHeader(
        actions=(_ACTION,), source='Ego-Exo4D', licence='Ego4D-license-agreement'
    )
    manifest = Manifest(Path(folder), Path(folder), header)
    for take in json.loads(Path(folder, 'split.json').read_text())[split]:
        masks = json.loads(Path(folder, take, 'annotation.json').read_text())['masks']
        for name, cameras in masks.items():
            if name.rpartition('_')[0] not in ('left hand', 'right hand'):
                _add(manifest, take, name, {key: _shown(of) for key, of in cameras.items()})
    write_dataset(AnnotatedDataset(manifest), Path(output))


def _add(manifest: Manifest, take: str, name: str, shown: dict[str, dict[int, Any]]) -> None:
    wearers = [camera for camera in shown if camera.startswith('aria') and shown[camera]]
    if len(wearers) != 1:
        manifest.left_out[f'masks of {len(wearers)} wearers'] += 1
        return
    seen = list(shown[wearers[0]])
    clip = FrameRange(Path(take, wearers[0]), seen[0], seen[-1], _STEP)
    for camera in sorted(camera for camera in shown if not camera.startswith('aria')):
        if not shown[camera]:
            manifest.left_out['not seen by a camera'] += 1
            continue
        number, mask = next(iter(shown[camera].items()))
        height, width = mask['size']
        # Lengths of alternating runs of unset and set pixels, down the columns.
        runs = _runs(mask['counts'])
        pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(width, height).T
        manifest.add(
            f'{name} in {take}',
            {'action': _ACTION, **region(PolygonMask.of_pixels(pixels))},
            id=f'{take}/{name}/{camera}',
            clip=str(clip.path),
            target=f'{take}/{camera}/{number}.jpg',
            target_size=[width, height],
            object=f'{take}/{name}',
        )


def _shown(masks: dict[str, Any]) -> dict[int, Any]:
    """Return the masks that are not empty, by their frames; unreadable ones are null."""
    return {
        int(frame): masks[frame]
        for frame in sorted(masks, key=int)
        if masks[frame] and any(_runs(masks[frame]['counts'])[1::2])
    }


def _runs(text: str) -> list[int]:
    """Decode run lengths in the compressed text of COCO's tools.

    A character holds five bits, the least significant first, and one that says whether more
    follow. After three runs, numbers are differences from the run before the last.
    """
    runs: list[int] = []
    number = shift = 0
    for character in text.encode():
        bits = character - ord('0')
        number |= (bits & 0x1F) << shift
        shift += 5
        if not bits & 0x20:
            number -= (1 << shift) if bits & 0x10 else 0
            runs.append(number + (runs[-2] if len(runs) >= 3 else 0))
            number = shift = 0
    return runs


if __name__ == '__main__':
    main(*sys.argv[1:])
