# SPDX-License-Identifier: Apache-2.0
"""Entry point of build tools that need a setup.py; everything is declared in pyproject.toml."""

from setuptools import setup

setup()
