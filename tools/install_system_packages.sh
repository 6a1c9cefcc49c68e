#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Install the Debian packages that are missing, after naming them; as root or with sudo.
#
#   tools/install_system_packages.sh python3
#
# The argument is the Python that the virtual environment will be made of.
set -euo pipefail

python=$1
missing=()

# Rendering the simulator without a display.
for package in libegl1 libegl-mesa0 libgl1-mesa-dri; do
  if ! dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed
  then
    missing+=("$package")
  fi
done
# Debian ships Python without what makes virtual environments, and without its headers.
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
  missing+=(python3-venv)
fi
if ! "$python" -c 'import os, sysconfig
assert os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h"))' 2>/dev/null
then
  missing+=(python3-dev)
fi
# The messages are compiled, minutes after this.
build_tools=()
command -v cmake >/dev/null || build_tools+=(cmake)
if ! command -v "${CC:-cc}" >/dev/null || ! command -v "${CXX:-c++}" >/dev/null; then
  build_tools+=(g++)
fi
missing+=(${build_tools[@]+"${build_tools[@]}"})

if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  if [ ${#build_tools[@]} -gt 0 ]; then
    echo "error: CMake or a C and C++ compiler is missing; install the equivalents of:" \
      "${missing[*]}" >&2
    exit 1
  fi
  echo "Not a Debian-like system; if rendering or building fails, install the equivalents of:" \
    "${missing[*]}"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "error: these Debian packages are missing and neither root nor sudo is available;" \
      "have them installed: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "Installing Debian packages: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}"
