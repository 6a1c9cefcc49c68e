# SPDX-License-Identifier: Apache-2.0
"""A dataset as one page of HTML: what is in it, what is wrong with it, and some samples."""
