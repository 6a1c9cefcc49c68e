# SPDX-License-Identifier: Apache-2.0
"""The authors' checkpoints as models of ours."""
