# SPDX-License-Identifier: Apache-2.0
"""Between messages of ROS and arrays, for live messages and for those of bags alike.

Messages that come in are read by the names of their fields, whatever class holds them; those that
go out are made by a `MessageFactory`.
"""
