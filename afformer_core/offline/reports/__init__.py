# SPDX-License-Identifier: Apache-2.0
"""Tables, intervals, charts and named numbers for reports."""
