# SPDX-License-Identifier: Apache-2.0
"""`afformer ground`: a video grounded in an image, without ROS."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from afformer_core.cli.options.command import add_command, add_model
from afformer_core.cli.options.path_options import INPUT_FILE, INPUT_PATH, OUTPUT_FILE
from afformer_core.cli.options.session_options import (
    add_session_options,
    open_grounder,
    warnings_on_stderr,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from afformer_core.runtime import Grounding, Peak

_DESCRIPTION = """\
Print where to act in an image, and how reliable the result is. Act only if
presence is at least presence_threshold and certainty, the probability that the
best point lies on the demonstrated part, is at least certainty_threshold. With
--json, print all actions, peaks and scores as one JSON object; values for which
the model is not calibrated are null."""

_EXAMPLE = """examples:
  afformer ground press.mp4 panel.jpg --output overlay.png
  afformer ground 'press.mp4#t=1.5,3' panel.jpg
  afformer ground press.mp4 panel.jpg --contact 292 48
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    help_text = 'ground a demonstration video in an image'
    parser = add_command(subparsers, 'ground', run, help_text, _DESCRIPTION, _EXAMPLE)
    parser.add_argument(
        'video', type=INPUT_PATH,
        help='demonstration: a video, a folder of images or a bag; VIDEO#t=1.5,3 is the part '
        'from 1.5 to 3 seconds',
    )  # fmt: skip
    parser.add_argument('image', type=INPUT_FILE, help='image in which to find the point')
    parser.add_argument(
        '--contact',
        type=float,
        nargs=2,
        metavar=('X', 'Y'),
        help='pixel of the operated part in the first frame of the demonstration, in which no '
        'hand should cover it; the top left pixel is 0 0 (default: the model finds the contact)',
    )
    add_model(parser)
    add_session_options(parser)
    parser.add_argument('--json', action='store_true', help='print the result as JSON')
    parser.add_argument(
        '--output',
        type=OUTPUT_FILE,
        help='JPEG or PNG file to write: the image with heatmap and peaks. If the part is not '
        'certain, the likeliest contacts are written beside it, to OUTPUT_contacts',
    )


def run(arguments: argparse.Namespace) -> int:
    """Ground the video, and print the result."""
    from afformer_core.drawing.overlay import draw_numbered
    from afformer_core.files.paths import require_inputs_kept
    from afformer_core.grounder import Grounder
    from afformer_core.media.images import read_image, require_image_path, write_image

    # Before the model is opened, which takes seconds.
    if arguments.output is not None:
        require_image_path(arguments.output)
        path = _contacts_path(arguments.output)
        require_inputs_kept([('the image of contacts', path)], arguments.inputs)
    image = read_image(arguments.image)
    grounder = Grounder(open_grounder(arguments.model, arguments))
    print(f'reading {arguments.video} ...', file=sys.stderr)
    with warnings_on_stderr():
        grounder.set_demonstration(arguments.video, contact=arguments.contact)
    start = time.perf_counter()
    grounding = grounder.ground(image)
    milliseconds = 1e3 * (time.perf_counter() - start)
    if arguments.json:
        measured = {'milliseconds': milliseconds, 'backend': grounder.backend}
        print(json.dumps({**grounding.to_dict(), **measured}, indent=2))
    else:
        print(_sentence(grounding))
    if arguments.output is not None:
        grounding.save(arguments.output)
    if grounding.unsure and arguments.contact is not None:
        print('The contact is marked already. Give a closer image of the part.', file=sys.stderr)
    elif grounding.certainty is not None and grounding.unsure:
        contacts = grounder.contacts()
        drawn = None
        if contacts and arguments.output is not None:
            drawn = _contacts_path(arguments.output)
            write_image(drawn, draw_numbered(grounder.first_frame(), contacts))
        print(_advice(contacts, drawn), file=sys.stderr)
    return 0


def _contacts_path(output: Path) -> Path:
    return output.with_stem(f'{output.stem}_contacts')


def _sentence(grounding: Grounding) -> str:
    """Describe the point and the reliability of a grounding."""
    from afformer_core.runtime.grounding import UNKNOWN_ACTION

    u, v = grounding.point
    presence, certainty = grounding.presence, grounding.certainty
    if grounding.found is False:
        return (
            f'Not found: presence {presence:.2f}, at least {grounding.presence_threshold:.2f} is '
            'needed.'
        )
    measures = [
        f'presence {presence:.2f}'
        if presence is not None
        else f'confidence {grounding.confidence:.2f}, the model is not calibrated'
    ]
    if certainty is not None:
        measures.append(f'certainty {certainty:.2f}')
    at = f'at ({u:.0f}, {v:.0f})'
    if grounding.unsure:
        if grounding.certainty_threshold is not None:
            measures.append(f'at least {grounding.certainty_threshold:.2f} is needed')
        return f'Not sure which part; the best point is {at}: {", ".join(measures)}.'
    known = grounding.action not in ('', UNKNOWN_ACTION)
    action = grounding.action.capitalize() if known else 'Act'
    return f'{action} {at}: {", ".join(measures)}.'


def _advice(contacts: Sequence[Peak], drawn: Path | None) -> str:
    """Describe how to mark the contact, with the most probable contacts.

    Args:
        contacts: the contacts, in pixels of the first frame.
        drawn: image in which they are drawn; None if there is none.
    """
    advice = (
        'Mark the operated part: run the command again with --contact X Y, its pixel in the first '
        'frame of the demonstration.'
    )
    if not contacts:
        return advice
    where = 'Most likely' if drawn is None else f'Most likely, with their numbers in {drawn}'
    likeliest = (
        f'  {number}. --contact {contact.u:.0f} {contact.v:.0f}    probability {contact.score:.2f}'
        for number, contact in enumerate(contacts, 1)
    )
    return '\n'.join((advice, f'{where}:', *likeliest))
