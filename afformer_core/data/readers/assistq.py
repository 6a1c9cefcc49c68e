# SPDX-License-Identifier: Apache-2.0
"""AssistQ Buttons: narrated steps of AssistQ's videos, and the buttons that they operate."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from afformer_core.data.annotated_dataset import AnnotatedDataset
from afformer_core.data.readers.assistq_files import (
    AnsweredStep,
    ScriptLine,
    UserImage,
    read_answers,
)
from afformer_core.data.readers.assistq_video import AssistqVideo
from afformer_core.data.readers.narration import Claim, Narration, best_claims
from afformer_core.data.sample import KnownElements, Sample
from afformer_core.errors import DatasetError
from afformer_core.licences import Origin

ASSISTQ_ACTIONS: tuple[str, ...] = ('operate',)
ASSISTQ_ORIGIN = Origin('AssistQ Buttons')


class AssistqButtonsDataset(AnnotatedDataset):
    """The narrated steps of AssistQ that operate one button, each with a user's image of it.

    A sample's demonstration is the part of the video in which a line of the script is spoken
    (`clip`), its target image the user's image of the step, its element the button's box, and its
    point the middle of the box, or of its visible part. `scene` has all boxes of the image;
    samples with the same image share a scene. AssistQ has no list of actions, so all samples have
    the same one.

    Afformer's authors have not released the assignment of video parts to buttons, and AssistQ's
    scripts do not name buttons like its answers do. A sample is therefore a match between a right
    answer and a line of the script. The line of an answer is the one with the largest weight of
    common words (`Narration`); among the buttons of one image whose answers have the same line,
    the one with the largest weight is used. Ties are excluded. A line of several answers is one
    sample for each image. Numbers measured on these samples are therefore not comparable with the
    published ones.

    The scripts and boxes of all videos are read at once. Samples are in the order of the videos in
    the annotations, then of the script's lines, then of the images in `buttons.csv`.

    Args:
        annotations: file such as `train.json` (see `read_answers`).
        root: folder of the videos' folders, each with `video.mp4` or `video.mov`, `script.txt`,
            `buttons.csv` and `images`. None for the folder beside the annotations with their name
            up to the first `_` (`train` for `train.json`), or else their own.

    Attributes:
        left_out: number of steps of right answers without a sample, by reason; equal steps for the
            same image are counted once.

    Raises:
        DatasetError: a text file is missing or malformed, the root lacks the folder of a video, a
            right answer names a button that has no box, or there is no sample.
    """

    def __init__(self, annotations: Path | str, root: Path | str | None = None) -> None:
        path = Path(annotations)
        super().__init__(path, _beside(path) if root is None else Path(root), ASSISTQ_ACTIONS)
        self.left_out: Counter[str] = Counter()
        answers = read_answers(path)
        self._require_folders(list(answers))
        self._videos = []
        for name, steps in answers.items():
            video = AssistqVideo.read(self.root / name)
            self._videos.append(video)
            self._samples += [
                self._sample(video, video.script[line], video.images[image], element)
                for (line, image), element in sorted(self._agreed(video, steps).items())
            ]
        if not self._samples:
            raise DatasetError(
                f'{path} gives 0 samples; expected at least 1. Its steps: {dict(self.left_out)}'
            )

    def _require_folders(self, names: list[str]) -> None:
        absent = [name for name in names if not (self.root / name).is_dir()]
        if absent:
            raise DatasetError(
                f'{self.root} has no folder {absent[0]} ({len(absent)} of {len(names)} videos '
                "are missing). Give the folder of the videos' folders as root"
            )

    def _agreed(
        self, video: AssistqVideo, steps: tuple[AnsweredStep, ...]
    ) -> dict[tuple[int, int], int]:
        """Find the button for each pair of line and image; count steps without a button."""
        narration = Narration([line.text for line in video.script])
        claims = []
        # A step of several questions counts once.
        for step in dict.fromkeys(map(video.find, steps)):
            found = narration.find(step.words)
            if len(step.elements) != 1:
                self.left_out['several buttons' if step.elements else 'no button'] += 1
            elif found is None:
                self.left_out['no line fits best'] += 1
            else:
                indices = (found.line, step.image)
                claims.append(Claim(indices, step.elements[0], found.score))
        agreed = best_claims(claims)
        rejected = sum(agreed.get(claim.indices) != claim.element for claim in claims)
        if rejected:
            self.left_out['another button fits the line as well or better'] += rejected
        return agreed

    def _sample(
        self, video: AssistqVideo, line: ScriptLine, image: UserImage, element: int
    ) -> Sample:
        box = image.boxes[element]
        indices = f'{video.folder.name}/{line.number}/{image.name}/{box.name}'
        visible = np.clip(box.outline, -0.5, np.array(image.size) - 0.5)
        return Sample(
            sample_id=f'{self.annotations.stem}/{indices}',
            video_path=video.video_path,
            image_path=video.image_path(image),
            image_size=image.size,
            actions=(0,),
            points=(visible.mean(axis=0, keepdims=True),),
            scene=_scene(f'{video.folder.name}/{image.name}', image, element),
            clip=line.clip,
            origin=ASSISTQ_ORIGIN,
        )


def _beside(annotations: Path) -> Path:
    folder = annotations.parent / annotations.stem.split('_')[0]
    return folder if folder.is_dir() else annotations.parent


def _scene(scene_id: str, image: UserImage, element: int) -> KnownElements:
    outlines = tuple(box.outline for box in image.boxes)
    limit = np.array(image.size) - 0.5
    return KnownElements(
        scene_id=scene_id,
        element=element,
        polygons=outlines,
        kinds=('button',) * len(outlines),
        in_view=tuple(bool((each >= -0.5).all() and (each <= limit).all()) for each in outlines),
    )
