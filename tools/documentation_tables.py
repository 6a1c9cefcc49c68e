#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generator of the tables of the node in the documentation, from the code that they describe.

Run it after a change of a topic, a service or a parameter::

    source tools/environment.sh && python tools/documentation_tables.py
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from afformer_core.files.atomic import write_aside
from afformer_core.outputs.outputs import OPTIONAL_OUTPUT_TYPES, OUTPUT_TYPES
from afformer_ros.grounding.parameters import GroundingParameters, QosParameters
from afformer_ros.interfaces import ACTIONS, SERVICES
from afformer_ros.parameter_fields import constraints_of, defaults_of

REFERENCE = Path(__file__).resolve().parent.parent / 'docs' / 'reference'

_INPUTS = {
    'image': (
        'sensor_msgs/msg/Image or CompressedImage',
        'camera images; the node grounds the newest one and queues none',
    ),
    'depth': (
        'sensor_msgs/msg/Image or CompressedImage',
        'registered to `image`: 16UC1 (mm), 32FC1 (m) or compressedDepth; optional',
    ),
    'camera_info': ('sensor_msgs/msg/CameraInfo', 'calibration of `image`; optional'),
    'demonstration': (
        'sensor_msgs/msg/Image or CompressedImage',
        'frames of a demonstration, recorded between start and finish',
    ),
    'demonstration_frame_mouse_left': (
        'geometry_msgs/msg/Point',
        'clicks in `demonstration_frame` from rqt_image_view: x, y of the pixel, or near the '
        'candidate, at which the contact is marked',
    ),
}
_OUTPUTS = {
    'affordance': 'everything that a planner needs: presence and certainty with their thresholds, '
    'action scores; peaks with pixel, score, position, covariance, normal, grasp candidate, '
    'pre-grasp, width and direction of motion',
    'grasp_candidates': 'the grasp candidates of this image alone, in the order of the points: z '
    'along the approach, x along the part',
    'affordance_cloud': 'points of the region: x, y, z, weight',
    'heatmap': '32FC1, probability of each pixel of `image`, sum 1',
    'mask': 'mono8, 255 in the region around the points in which the probability is at least '
    '`mask_share` of the largest one',
    'overlay': 'rgb8, the image under its heatmap; published only while it has a subscriber',
    'markers': 'the points and the motion of the best one, for RViz and Foxglove',
    'detections': 'the points as detections with the box of their regions; only if vision_msgs 4 '
    'is installed',
}
_OTHERS = {
    'demonstration_status': (
        'afformer_ros/msg/DemonstrationStatus',
        'latched: recording, ready or failed, and why',
    ),
    'demonstration_frame': (
        'sensor_msgs/msg/Image',
        'rgb8, the first frame of the selected demonstration that the model uses, and its mark '
        'or the numbered candidates for it; once a second while it has a subscriber',
    ),
    '/diagnostics': (
        'diagnostic_msgs/msg/DiagnosticArray',
        'rates, latency of each stage, and the reason in words if nothing is published',
    ),
}
_SERVICES = {
    'start_demonstration': 'record the frames that arrive on `demonstration`',
    'finish_demonstration': 'end the recording, store the demonstration and select it',
    'load_demonstration': 'load a demonstration from a video, a folder of images or a bag',
    'select_demonstration': 'ground another demonstration, or several joined by `+`',
    'list_demonstrations': 'return the names of all demonstrations, and the selected one',
    'delete_demonstration': 'delete a demonstration, also on disk',
    'get_demonstration_frame': 'return the first or last frame of a demonstration that the model '
    'uses, and its mark or the candidates for it',
    'mark_contact': 'mark the operated part in the first of these frames, by its pixel or by the '
    'number of a candidate, or remove the mark',
}
_ACTIONS = {
    'ground_demonstration': 'find where to act in the images that arrive from now on, or report '
    'why no point is found',
    'record_demonstration': 'record the frames that arrive on `demonstration`, until it is over',
    'load_demonstration': 'load a demonstration from a video, a folder of images or a bag',
}


def topics() -> str:
    """Return the table of topics with their types and meanings."""
    types = {**OUTPUT_TYPES, **OPTIONAL_OUTPUT_TYPES}
    outputs = {name: (kind, _OUTPUTS[name]) for name, kind in types.items()} | _OTHERS
    rows = [
        (way, f'`{name}`', f'`{kind}`', text)
        for way, described in (('in', _INPUTS), ('out', outputs))
        for name, (kind, text) in described.items()
    ]
    return _table(('', 'topic', 'type', ''), rows)


def services() -> str:
    """Return the table of services with their types and meanings."""
    return _interfaces('service', 'srv', SERVICES, _SERVICES)


def actions() -> str:
    """Return the table of actions with their types and meanings."""
    return _interfaces('action', 'action', ACTIONS, _ACTIONS)


def parameters() -> str:
    """Return the table of parameters, except QoS, with default, range and meaning."""
    constraints = constraints_of(GroundingParameters)
    rows = []
    for name, default in defaults_of(GroundingParameters).items():
        one = constraints[name]
        shown = 'none' if default in ('', ['']) else str(default).lower()
        limits = f'{one.limits[0]} to {one.limits[1]}' if one.limits else ', '.join(one.choices)
        changes = {'anytime': 'at any time', 'unconfigured': 'unconfigured', 'never': 'at start'}
        rows.append((f'`{name}`', f'`{shown}`', limits, changes[one.change], one.description))
    return _table(('parameter', 'default', 'values', 'changes', ''), rows)


def qualities() -> str:
    """Return the table of the QoS parameters of all topics."""
    defaults = defaults_of(QosParameters)
    rows = [
        (f'`{name}`', f'`{value}`', f'`{name}_depth`', f'`{defaults[f"{name}_depth"]}`')
        for name, value in defaults.items()
        if name.endswith('_qos')
    ]
    return _table(('parameter', 'default', 'parameter', 'default'), rows)


# Tables of each page.
PAGES: dict[Path, dict[str, Callable[[], str]]] = {
    REFERENCE / 'topics.md': {'topics': topics, 'services': services, 'actions': actions},
    REFERENCE / 'parameters.md': {'parameters': parameters, 'qualities': qualities},
}


def with_tables(text: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """Replace every table of a page between its marks.

    Args:
        text: text of the page.
        tables: functions that write the tables, by the names of their marks.

    Raises:
        ValueError: the marks of a table are missing.
    """
    for name, table in tables.items():
        pattern = re.compile(rf'(<!-- {name} -->\n).*?(<!-- end of {name} -->)', re.DOTALL)
        found = pattern.search(text)
        if found is None:
            raise ValueError(
                f'the marks of the table {name!r} are missing. Add <!-- {name} --> and '
                f'<!-- end of {name} -->'
            )
        text = text[: found.start()] + found[1] + table() + found[2] + text[found.end() :]
    return text


def _interfaces(
    heading: str, folder: str, kinds: Mapping[str, Any], texts: Mapping[str, str]
) -> str:
    rows = [
        (f'`~/{name}`', f'`afformer_ros/{folder}/{kind.__name__}`', texts[name])
        for name, kind in kinds.items()
    ]
    return _table((heading, 'type', ''), rows)


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ['| ' + ' | '.join(cells) + ' |' for cells in (heading, ['---'] * len(heading), *rows)]
    return '\n'.join(lines) + '\n'


def main() -> int:
    """Write the tables into their pages."""
    for page, tables in PAGES.items():
        write_aside(page, with_tables(page.read_text(), tables).encode())
    return 0


if __name__ == '__main__':
    sys.exit(main())
