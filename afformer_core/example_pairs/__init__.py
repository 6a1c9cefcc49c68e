# SPDX-License-Identifier: Apache-2.0
"""Pairs to try: rendered ones of this package, and real ones that their authors host."""
