#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Print FORCE where the virtual environment has to be made anew: there is none, it was moved, since
# it holds absolute paths, or it is of another Python than the one that is asked for.
#
#   tools/environment_is_stale.sh .venv [python3.12]
set -euo pipefail

environment=$1
python=${2:-}

if [ "$(cat "$environment/.created" 2>/dev/null)" != "$(pwd -P)" ]; then
  echo FORCE
  exit 0
fi
if [ -z "$python" ]; then
  exit 0
fi
which_python='import sys; print(sys.base_prefix, *sys.version_info[:3])'
if [ "$("$environment/bin/python" -c "$which_python" 2>/dev/null)" != \
  "$("$python" -c "$which_python" 2>/dev/null)" ]; then
  echo FORCE
fi
