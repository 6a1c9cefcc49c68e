# SPDX-License-Identifier: Apache-2.0
"""A Franka arm in front of a fixture of the closed loop, in one simulation (extra `robot`)."""
