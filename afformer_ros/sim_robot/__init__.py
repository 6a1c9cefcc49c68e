# SPDX-License-Identifier: Apache-2.0
"""The node `sim_robot`: a simulated arm with a camera, with the topics of real drivers."""
