#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Install Chromium for the tests of pages, which skip themselves without a browser.
#
#   tools/install_browser.sh
#
# Ubuntu's package asks for a snap, which the tests cannot start; there a browser is left to you.
set -euo pipefail

for browser in chromium chromium-browser google-chrome; do
  if command -v "$browser" >/dev/null; then
    exit 0
  fi
done

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  as_root=(sudo --non-interactive)
fi
if grep -qx 'ID=debian' "${OS_RELEASE:-/etc/os-release}" 2>/dev/null; then
  echo 'Installing the Debian package chromium'
  if "${as_root[@]}" apt-get update -qq && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends chromium >/dev/null; then
    exit 0
  fi
fi
echo 'Chromium is not installed; the tests of pages skip themselves'
