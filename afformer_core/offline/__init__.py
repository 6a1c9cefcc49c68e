# SPDX-License-Identifier: Apache-2.0
"""Training, evaluation and mining, which no robot imports."""
