# SPDX-License-Identifier: Apache-2.0
"""Demonstrations: recording, trimming, storage on disk, selection."""
