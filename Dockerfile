# SPDX-License-Identifier: Apache-2.0
# The node on an apt ROS 2, installed as README says. Distributions: humble, jazzy, lyrical, rolling,
# and kilted, which ends in November 2026.
# Fast DDS hands images over in shared memory, between processes of one user:
#
#   docker build --build-arg ROS_DISTRO=humble --tag afformer_ros:humble .
#   docker run --rm --net host --ipc host --user "$(id -u):$(id -g)" --env HOME=/tmp \
#       afformer_ros:humble ros2 launch afformer_ros ground.launch.py image_topic:=/camera/image_raw
ARG ROS_DISTRO=jazzy
FROM ros:${ROS_DISTRO}
# Of pip's optional dependencies; those of the tests are offline,sim,dev.
ARG EXTRAS=
SHELL ["/bin/bash", "-eo", "pipefail", "-c"]
WORKDIR /workspace

# What rosdep installs changes with package.xml alone; a build of other changes begins after it.
COPY package.xml src/afformer_ros/
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      libegl1 libegl-mesa0 libgl1-mesa-dri \
 && rosdep update --rosdistro "$ROS_DISTRO" \
 && rosdep install --from-paths src --ignore-src -y \
 && rm -rf /var/lib/apt/lists/*

COPY . src/afformer_ros
RUN src/afformer_ros/tools/install_beside_apt.sh "$EXTRAS"
RUN source "/opt/ros/$ROS_DISTRO/setup.bash" && source venv/bin/activate \
 && colcon build --packages-select afformer_ros

# Each command finds ROS, the virtual environment and the workspace.
RUN printf 'source %s\n' "/opt/ros/$ROS_DISTRO/setup.bash" /workspace/venv/bin/activate \
      /workspace/install/setup.bash > setup.bash \
 && printf '%s\n' '#!/usr/bin/env bash' 'source /workspace/setup.bash' 'exec "$@"' > /entrypoint.sh \
 && chmod +x /entrypoint.sh
ENTRYPOINT ["/entrypoint.sh"]
CMD ["ros2", "launch", "afformer_ros", "ground.launch.py"]
