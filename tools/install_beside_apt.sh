#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Install what rosdep does not know of this package into ./venv, which sees apt's packages:
#
#   cd ~/workspace && src/afformer_ros/tools/install_beside_apt.sh export,sim,dev
#
# The argument names the optional dependencies of pyproject.toml.
set -euo pipefail

extras=$1
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

python3 -m venv --system-site-packages venv
touch venv/COLCON_IGNORE
# The NumPy that ROS's packages were built for; a newer major release breaks them.
venv/bin/python -c 'import numpy; print(f"numpy=={numpy.__version__.split(chr(46))[0]}.*")' \
  > constraints.txt
venv/bin/pip install --constraint constraints.txt "$source[$extras]"
