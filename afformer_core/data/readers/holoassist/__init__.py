# SPDX-License-Identifier: Apache-2.0
"""HoloAssist: actions on machines, from a headset that tracks hands, gaze and its own pose."""
