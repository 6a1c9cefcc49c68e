#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Replay of a rosbag2 through the code of the node without ROS, and a chart of its presence.

Needs matplotlib (`pip install matplotlib`). Run it with::

    python examples/replay_and_plot.py recording/bag replays/recording
    python examples/replay_and_plot.py kitchen.mcap replays/kitchen --demonstration press.mp4
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import matplotlib

from afformer_core.cli.main import main as afformer

matplotlib.use('Agg')
import matplotlib.pyplot as plt


def plot(table: Path, chart: Path) -> None:
    """Draw presence over time, and mark the images in which something is found.

    Args:
        table: `groundings.csv` of a replay.
        chart: a file of a kind that matplotlib writes.
    """
    with table.open(newline='', encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    start = int(rows[0]['stamp'])
    # Unknown values are empty.
    known = [row for row in rows if row['presence']]
    found = [row for row in known if row['state'] == 'found']

    figure, axes = plt.subplots(figsize=(8, 3), layout='constrained')
    for label, part, style in (('presence', known, '-'), ('found', found, 'o')):
        seconds = [(int(row['stamp']) - start) / 1e9 for row in part]
        axes.plot(seconds, [float(row['presence']) for row in part], style, label=label)
    axes.set(xlabel='time (s)', ylabel='presence', ylim=(0, 1.05))
    axes.legend()
    figure.savefig(chart)


def main() -> int:
    """Replay a bag and draw OUTPUT/presence.png; pass further options to `afformer replay`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument('bag', type=Path, help='folder of a rosbag2, or an mcap file')
    parser.add_argument('output', type=Path, help='folder to write')
    arguments, options = parser.parse_known_args()

    status = afformer(['replay', str(arguments.bag), '--output', str(arguments.output), *options])
    if status == 0:
        plot(arguments.output / 'groundings.csv', arguments.output / 'presence.png')
    return status


if __name__ == '__main__':
    sys.exit(main())
