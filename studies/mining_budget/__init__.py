# SPDX-License-Identifier: Apache-2.0
"""The budget of mining many hours of video, from rates and prices."""
