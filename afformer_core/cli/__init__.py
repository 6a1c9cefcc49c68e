# SPDX-License-Identifier: Apache-2.0
"""The ``afformer`` command, one module a subcommand."""
