#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Install what rosdep does not know of this package into ./venv, which sees apt's packages:
#
#   cd ~/workspace && src/afformer_ros/tools/install_beside_apt.sh offline,sim,dev
#
# The argument names optional dependencies of pyproject.toml, if any. What must stay as it is goes into
# ./constraints.txt, and pip stops where this package needs something else. On a Jetson that is the
# PyTorch of NVIDIA, which has to be in ./venv or in the system before.
set -euo pipefail

extras=${1:-}
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
kept=()
# The system of a Jetson has this package; a container on one, without CUDA, has not.
if [ -n "$extras" ] && dpkg-query --show nvidia-l4t-core > /dev/null 2>&1; then kept=(torch torchvision); fi

python3 -m venv --system-site-packages venv
touch venv/COLCON_IGNORE
venv/bin/python - ${kept[@]+"${kept[@]}"} > constraints.txt <<'PYTHON'
import sys
from importlib.metadata import PackageNotFoundError, version

# The NumPy that ROS's packages were built for; a newer major release breaks them.
print(f'numpy=={version("numpy").split(".")[0]}.*')
for name in sys.argv[1:]:
    try:
        print(f'{name}=={version(name)}')
    except PackageNotFoundError:
        sys.exit(
            f'error: {name} is not installed; expected that of NVIDIA, since PyPI has none for '
            'every Jetson. Install it as docs/robot/install.md says'
        )
PYTHON
venv/bin/pip install --constraint constraints.txt "$source${extras:+[$extras]}"
