#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Remove the records of packages whose installation was killed half-way, so that pip installs them
# again; pip takes such a package for installed. It writes INSTALLER when all files are in place.
#
#   tools/drop_incomplete_packages.sh .venv
set -euo pipefail

for record in "$1"/lib/python3*/site-packages/*.dist-info; do
  if [ -d "$record" ] && [ ! -e "$record/INSTALLER" ]; then
    echo "Installing $(basename "$record" .dist-info) again, its installation was interrupted"
    rm -rf "$record"
  fi
done
