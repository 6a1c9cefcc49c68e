# SPDX-License-Identifier: Apache-2.0
"""Detectors of hands and of their contact, and annotations of hands."""
