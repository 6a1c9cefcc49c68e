# SPDX-License-Identifier: Apache-2.0
"""A small tree in the layout of HOI4D."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image

from afformer_core.media.video import write_video

TASKS = (
    'Category ID,Category,T1,T2,T3,T4,T5,T6\n'
    'C1,Toy Car,Pick and place,Push toy car,N/A,N/A,N/A,N/A\n'
    'C4,Storage Furniture,Open and close the drawer,Open and close the door,N/A,N/A,N/A,N/A\n'
)
# A cupboard in three rooms, two of which are one, and another cupboard.
DRAWER, DOOR, SAME_ROOM, OTHER = SEQUENCES = (
    'ZY20210800001/H1/C4/N11/S125/s03/T1',
    'ZY20210800002/H2/C4/N11/S126/s01/T2',
    'ZY20210800001/H1/C4/N11/S125/s04/T1',
    'ZY20210800001/H1/C4/N12/S125/s03/T1',
)
# Colours of labels: door, right hand, body, drawer.
DOOR_COLOUR, HAND, BODY, DRAWER_COLOUR = (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128)


def write_mask(path: Path, *colours: tuple[int, int, int]) -> None:
    """Stripes of 10 pixels in an image of 96x54, from the left."""
    pixels = np.zeros((54, 96, 3), np.uint8)
    for number, colour in enumerate(colours):
        pixels[:, 10 * number : 10 * number + 10] = colour
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(pixels).save(path)


def write_hoi4d(root: Path) -> Path:
    """Write sequences with a hand in frame 0 and none in frame 2; masks of one are moved."""
    root.mkdir(exist_ok=True)
    (root / 'task_definitions.csv').write_text(TASKS)
    (root / 'release.txt').write_text(''.join(f'{name}\n' for name in SEQUENCES))
    for name in SEQUENCES:
        images = root / 'HOI4D_release' / name / 'align_rgb'
        images.mkdir(parents=True)
        write_video(images / 'image.mp4', np.zeros((9, 48, 64, 3), np.uint8), 15.0)
        PIL.Image.new('RGB', (96, 54)).save(images / '00002.jpg')
        masks = '2Dseg/shift_mask' if name == DOOR else '2Dseg/mask'
        folder = root / 'HOI4D_annotations' / name / masks
        write_mask(folder / '00000.png', DOOR_COLOUR, HAND)
        write_mask(folder / '00002.png', DOOR_COLOUR, BODY, DRAWER_COLOUR)
    return root / 'release.txt'
