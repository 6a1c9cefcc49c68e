# SPDX-License-Identifier: Apache-2.0
"""The ``afformer`` command, with one module for each subcommand."""
