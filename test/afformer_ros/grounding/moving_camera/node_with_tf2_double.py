# SPDX-License-Identifier: Apache-2.0
"""The grounding node with a double of tf2.

python node_with_tf2_double.py --ros-args -p target_frame:=base ...
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3] / 'doubles'))

import tf2_double

from afformer_ros.executables.grounding import main

if __name__ == '__main__':
    sys.modules['tf2_ros'] = tf2_double
    sys.exit(main())
