# SPDX-License-Identifier: Apache-2.0
"""Drivers that start, call and measure nodes from outside."""
