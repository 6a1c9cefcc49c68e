# SPDX-License-Identifier: Apache-2.0
"""From one camera image to the next: smoothing, holding, abstaining, and points in space."""
