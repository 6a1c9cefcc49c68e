# SPDX-License-Identifier: Apache-2.0
"""A page on which a person marks the points of own pairs, and saves them as `points.csv`."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from tqdm import tqdm

from afformer_core.data.readers.point_table import POINTS_FILE
from afformer_core.data.readers.unmarked_pairs import UnmarkedThing, read_unmarked_pairs
from afformer_core.dataset_page.html import frame_strip, image_source, write_html
from afformer_core.evaluation.report.tiles import fit
from afformer_core.media.image_files import read_image
from afformer_core.media.video import read_video

_FRAMES = 8
_FRAME_SIDE = 160
# Longest side of an image in the page, which marks are made in as finely as a hand can.
_IMAGE_SIDE = 1600
_SCRIPT = Path(__file__).with_name('mark_points.js')
_STYLE = """
body { max-width: 1100px; }
fieldset { border: 1px solid #e3e6ea; margin: 0.6em 0; }
.demonstration { display: grid; grid-template-columns: 14em 1fr; gap: 10px; align-items: center;
                 padding: 4px 0; overflow-wrap: anywhere; }
.frames { display: grid; grid-template-columns: repeat(8, 1fr); gap: 4px; }
.frames img { width: 100%; display: block; }
.target { position: relative; margin: 0 0 1em; cursor: crosshair; }
.target img { width: 100%; display: block; }
.target figcaption { font-size: 0.8em; color: #57606a; cursor: auto; }
.surface { position: relative; overflow: hidden; }
.mark { position: absolute; width: 13px; height: 13px; margin: -7px 0 0 -7px; padding: 0;
        border: 1px solid #000; border-radius: 50%; background: #00e6ff; cursor: pointer; }
.mark.other { background: #fff; opacity: 0.5; }
textarea { width: 100%; font: 13px ui-monospace, monospace; box-sizing: border-box; }
button.do { font: inherit; padding: 0.3em 1em; margin-right: 0.6em; }
.action { position: sticky; top: 0; z-index: 1; background: #fff; padding: 0.5em 0; }
.message { color: #b35900; margin-left: 1em; }
"""
_HOW = (
    'Choose a demonstration, name the action that it shows, and click where that action touches '
    'the thing in each image; a click on a mark takes it away. Then save the table where each '
    'section says. Nothing leaves this page otherwise, so save before you close it.'
)


def write_marking_page(
    path: Path, folder: Path, root: Path | None = None, progress: bool = True
) -> None:
    """Write the page for a folder of own pairs; marks of its tables are shown and can be changed.

    Coordinates are whole pixels of an image as it is shown upright, however large it is drawn.

    Args:
        path: of the page.
        folder: of the pairs, laid out as `folder_pairs` says, with or without tables.
        root: folder of the media where they do not lie beside the tables.
        progress: show a progress bar on stderr.

    Raises:
        DatasetError: as `read_unmarked_pairs`.
        ImageError: an image cannot be read.
        VideoError: a demonstration cannot be read.
    """
    pairs = read_unmarked_pairs(folder, root)
    names = ''.join(f'<option value="{escape(name)}">' for name in pairs.action_names)
    things = ''.join(
        _thing(number, thing)
        for number, thing in enumerate(tqdm(pairs.things, 'things', disable=not progress))
    )
    body = f'<p class="note">{_HOW}</p><datalist id="actions">{names}</datalist>{things}'
    write_html(path, f'Points of {folder}', body, _STYLE, _SCRIPT)


def _thing(number: int, thing: UnmarkedThing) -> str:
    demonstrations = ''.join(
        _demonstration(number, path, number_of == 0)
        for number_of, path in enumerate(thing.demonstrations)
    )
    images = ''.join(map(_image, thing.images))
    rows = [(row.demonstration, row.image, row.action, row.x, row.y) for row in thing.rows]
    table = escape(str(thing.table))
    return (
        f'<section class="thing" data-rows="{escape(json.dumps(rows))}">'
        f'<h2>{escape(str(thing.table.parent))}</h2>'
        f'<fieldset><legend>Demonstration</legend>{demonstrations}</fieldset>'
        '<div class="action"><label>Action <input name="action" list="actions" '
        'autocomplete="off"></label><span class="message" role="status"></span></div>'
        f'{images}'
        f'<p><label>{table}<textarea readonly rows="8"></textarea></label></p>'
        '<p><button class="do undo" type="button">Undo</button>'
        f'<button class="do download" type="button">Download {POINTS_FILE}</button> '
        f'and save it as {table}</p></section>'
    )


def _demonstration(thing: int, path: Path, checked: bool) -> str:
    frames = [fit(frame, _FRAME_SIDE) for frame in read_video(path, _FRAMES)]
    name = escape(path.name)
    return (
        f'<label class="demonstration"><span><input type="radio" name="demonstration{thing}" '
        f'value="{name}"{" checked" if checked else ""}> {name}</span>{frame_strip(frames)}'
        '</label>'
    )


def _image(path: Path) -> str:
    image = read_image(path)
    height, width = image.shape[:2]
    shown = fit(image, _IMAGE_SIDE) if max(height, width) > _IMAGE_SIDE else image
    name = escape(path.name)
    return (
        f'<figure class="target"><div class="surface" data-image="{name}" data-width="{width}" '
        f'data-height="{height}"><img alt="{name}" draggable="false" '
        f'src="{image_source(shown)}"></div>'
        f'<figcaption>{name}, {width}x{height}</figcaption></figure>'
    )
