# SPDX-License-Identifier: Apache-2.0
"""The native manifest: a dataset of one file that people write and every reader converts to."""
