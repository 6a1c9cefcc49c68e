# SPDX-License-Identifier: Apache-2.0
"""Conversion between ROS messages and arrays, for live messages and for bags.

Incoming messages of any class are read by the names of their fields; a `MessageFactory` creates
outgoing messages.
"""
