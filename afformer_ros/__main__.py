# SPDX-License-Identifier: Apache-2.0
"""The commands `python -m afformer_ros ground` and `python -m afformer_ros call`."""

from __future__ import annotations

import sys

from afformer_ros.commands import main

if __name__ == '__main__':
    sys.exit(main())
