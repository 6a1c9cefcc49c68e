# SPDX-License-Identifier: Apache-2.0
"""Videos, folders of frames, rosbags and image files as arrays."""
