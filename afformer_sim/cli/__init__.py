# SPDX-License-Identifier: Apache-2.0
"""The subcommand `afformer simulate`, which the `afformer` command finds by its name."""
