#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Show the progress of `pip install`, which is the standard input: one line for each package, with its size.
#
#   pip install torch | tools/show_installation.sh
set -euo pipefail

exec sed --unbuffered --quiet --regexp-extended \
  -e '/\.metadata /d' \
  -e 's/^ *(Downloading|Using cached) ([^ -]+-[^ -]+)(-[^ ]*)? \((.*)\).*/  \2 (\4)/p' \
  -e 's/^Installing collected packages:.*/  unpacking .../p'
