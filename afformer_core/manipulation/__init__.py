# SPDX-License-Identifier: Apache-2.0
"""Actions of an arm at a point: kinematics, skills, and the choice of attempts (extra `robot`)."""
