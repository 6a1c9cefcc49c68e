#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Check that ROS 2 wheels exist for a Python, and say what to do where they do not.
#
#   tools/check_python.sh python3
set -euo pipefail

python=$1
if ! found=$("$python" -c 'import platform, sys
print(*sys.version_info[:2], platform.python_implementation(), platform.system(), platform.machine())')
then
  echo "error: '$python' does not run; name one with: make setup PYTHON=python3.12" >&2
  exit 1
fi
read -r major minor implementation system machine <<<"$found"
if [ "$major.$implementation" != 3.CPython ] || [ "$minor" -lt 11 ] || [ "$minor" -gt 14 ]; then
  echo "error: '$python' is $implementation $major.$minor, and the ROS 2 wheels of PyPI are for" \
    "CPython 3.11 to 3.14; name one of those with: make setup PYTHON=python3.12, or build this" \
    "package with colcon on a machine with an apt ROS 2" >&2
  exit 1
fi
if [ "$system $machine" != 'Linux x86_64' ]; then
  echo "error: this is $system on $machine, and the ROS 2 wheels of PyPI are for Linux on x86_64;" \
    "build this package with colcon on a machine with an apt ROS 2" >&2
  exit 1
fi
