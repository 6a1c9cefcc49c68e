# SPDX-License-Identifier: Apache-2.0
"""Work in several processes, resumable and measured."""
