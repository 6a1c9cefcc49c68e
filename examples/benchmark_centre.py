# SPDX-License-Identifier: Apache-2.0
"""The smallest system for `afformer benchmark run`: it answers every question with the centre.

afformer benchmark run 'python examples/benchmark_centre.py' demonstration_to_image
"""

import json
import sys
from pathlib import Path

import cv2


def main(questions: Path, answers: Path) -> None:
    """Answer a folder of questions.

    Args:
        questions: folder with questions.json.
        answers: file to write.
    """
    found = {}
    for question in json.loads((questions / 'questions.json').read_text()):
        # a question without an image is about the contact in the clip
        if 'image' in question:
            image = cv2.imread(str(questions / question['image']))
            if image is None:
                raise ValueError(f'{question["image"]} is no image')
            height, width = image.shape[:2]
            found[question['id']] = {'points': [[width / 2 - 0.5, height / 2 - 0.5]]}
    answers.write_text(json.dumps(found))


if __name__ == '__main__':
    main(Path(sys.argv[1]), Path(sys.argv[2]))
