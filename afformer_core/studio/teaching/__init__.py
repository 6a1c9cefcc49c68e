# SPDX-License-Identifier: Apache-2.0
"""The tab that teaches a model own pairs."""
