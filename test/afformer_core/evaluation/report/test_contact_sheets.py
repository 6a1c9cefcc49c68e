# SPDX-License-Identifier: Apache-2.0
import cv2
import numpy as np

from afformer_core.evaluation.report.contact_sheets import write_contact_sheets
from afformer_core.evaluation.report.qualitative_examples import QualitativeExample

WIDE = np.full((80, 320, 3), 200, np.uint8)


def example(frames=(), image=None, title='test/3, push'):
    return QualitativeExample(
        title, ('KLD 0.52', 'hit'), frames, image, {'prediction': WIDE}, WIDE
    )


def widths(folder):
    return {path.stem: cv2.imread(str(path)).shape[1] for path in folder.iterdir()}


def test_a_line_has_frames_image_prediction_and_target(tmp_path):
    paths = write_contact_sheets(tmp_path / 'new', {'best': [example((WIDE,) * 4, WIDE)] * 2})
    assert paths == [tmp_path / 'new' / 'best.jpg']
    assert cv2.imread(str(paths[0])).shape == (2 * (20 + 196), 7 * 196, 3)


def test_a_image_keeps_its_shape(tmp_path):
    (path,) = write_contact_sheets(tmp_path, {'best': [example()]})
    column = cv2.imread(str(path))[20:, 90, 0]
    # 320x80 is 192x48 in a square of 192.
    bright = np.flatnonzero(column > 150)
    assert (bright[0], bright[-1]) == (72, 119)


def test_the_caption_is_drawn_above(tmp_path):
    (path,) = write_contact_sheets(tmp_path, {'best': [example()]})
    caption = cv2.imread(str(path))[:20]
    assert (caption > 200).sum() > 500


def test_what_has_no_media_is_as_wide_as_its_caption(tmp_path):
    write_contact_sheets(
        tmp_path, {'short': [example(title='a')], 'long': [example(title='a' * 80)]}
    )
    found = widths(tmp_path)
    assert 2 * 196 <= found['short'] < found['long']
