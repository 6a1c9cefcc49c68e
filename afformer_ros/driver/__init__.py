# SPDX-License-Identifier: Apache-2.0
"""Nodes driven from outside: started, called and measured."""
