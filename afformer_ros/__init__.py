# SPDX-License-Identifier: Apache-2.0
"""ROS 2 nodes that ground demonstrations in camera images with the algorithms of afformer_core."""

from pkgutil import extend_path

# The generated messages are in the install space, and this code may run from the source tree. Both
# folders form one package.
__path__ = extend_path(__path__, __name__)
