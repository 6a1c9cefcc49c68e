# SPDX-License-Identifier: Apache-2.0
"""The sense in which demonstrations turn something."""
