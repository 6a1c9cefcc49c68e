# SPDX-License-Identifier: Apache-2.0
# The environment of everything that `make setup` built. Source it from any folder in bash or zsh,
# from the root of the project in other shells:
#
#   source tools/environment.sh
#   python -m afformer_ros.demo --help
#
# AFFORMER_DISTRO=jazzy selects what `make setup DISTRO=jazzy` built; the default is kilted. To
# change the distribution of a shell, source it again.
#
# It takes the place of an apt ROS 2 that was sourced before. To use that one instead, build this
# package with colcon in a workspace and source the workspace's install/setup.bash.

if [ -n "${BASH_VERSION:-}" ]; then
  afformer_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
elif [ -n "${ZSH_VERSION:-}" ]; then
  afformer_root=$(cd "$(dirname "${(%):-%x}")/.." && pwd)
else
  afformer_root=$(pwd)
fi
# The folders of Kilted have no suffix.
case "${AFFORMER_DISTRO:-kilted}" in
  kilted) afformer_suffix= afformer_setup='make setup' ;;
  *) afformer_suffix="-$AFFORMER_DISTRO" afformer_setup="make setup DISTRO=$AFFORMER_DISTRO" ;;
esac
if [ ! -d "$afformer_root/.venv$afformer_suffix/lib" ]; then
  echo "error: $afformer_root/.venv$afformer_suffix does not exist; run '$afformer_setup' there" \
    "first" >&2
  unset afformer_root afformer_suffix afformer_setup
  return 1
fi

# afformer_prepend VARIABLE FOLDER: put FOLDER in front of the colon-separated VARIABLE.
afformer_prepend() {
  eval "afformer_value=\${$1:-}"
  export "$1=$2${afformer_value:+:$afformer_value}"
}

# afformer_clear VARIABLE: drop the folders of an apt ROS 2 and of this project from VARIABLE.
afformer_clear() {
  eval "afformer_value=\${$1:-}"
  case ":$afformer_value:" in
    *:/opt/ros/* | *":$afformer_root:"* | *":$afformer_root/"*)
      afformer_value=$(printf '%s\n' "$afformer_value" | tr : '\n' \
        | while IFS= read -r afformer_folder; do
          case "$afformer_folder" in
            /opt/ros/* | "$afformer_root" | "$afformer_root"/.venv* | "$afformer_root"/install*) ;;
            *) printf '%s\n' "$afformer_folder" ;;
          esac
        done | paste -s -d : -)
      export "$1=$afformer_value"
      ;;
  esac
}

for afformer_name in AMENT_PREFIX_PATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH PATH PYTHONPATH; do
  afformer_clear "$afformer_name"
done

export VIRTUAL_ENV="$afformer_root/.venv$afformer_suffix"
afformer_prepend PATH "$VIRTUAL_ENV/bin"
afformer_prepend AMENT_PREFIX_PATH "$VIRTUAL_ENV"
afformer_prepend CMAKE_PREFIX_PATH "$VIRTUAL_ENV"
for afformer_folder in "$VIRTUAL_ENV"/lib/python3*/site-packages/ros_*.libs "$VIRTUAL_ENV/lib"; do
  afformer_prepend LD_LIBRARY_PATH "$afformer_folder"
done

for afformer_package in control_msgs afformer_ros; do
  afformer_install="$afformer_root/install$afformer_suffix/$afformer_package"
  [ -d "$afformer_install" ] || continue
  afformer_prepend AMENT_PREFIX_PATH "$afformer_install"
  afformer_prepend CMAKE_PREFIX_PATH "$afformer_install"
  afformer_prepend LD_LIBRARY_PATH "$afformer_install/lib"
  for afformer_folder in "$afformer_install"/lib/python3*/site-packages; do
    afformer_prepend PYTHONPATH "$afformer_folder"
  done
done
# The source tree comes first, so that an edit takes effect without another build.
afformer_prepend PYTHONPATH "$afformer_root"

# The ROS wheels start Python a second time to set LD_LIBRARY_PATH, unless told that it is set.
export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1
export ROS_DISTRO="${AFFORMER_DISTRO:-kilted}"
# The only middleware among the wheels. What was chosen before is kept.
export RMW_IMPLEMENTATION="${RMW_IMPLEMENTATION:-rmw_fastrtps_cpp}"
# The default transports of Fast DDS, and LARGE_DATA, lose most best-effort messages of the size of
# an image. What was chosen before is kept. Jazzy has a Fast DDS before 3, which reads another name.
if [ -z "${FASTDDS_BUILTIN_TRANSPORTS:-}${FASTDDS_DEFAULT_PROFILES_FILE:-}" ] \
  && [ -z "${FASTRTPS_DEFAULT_PROFILES_FILE:-}" ]; then
  case "$ROS_DISTRO" in
    jazzy) export FASTRTPS_DEFAULT_PROFILES_FILE="$afformer_root/config/fastdds.xml" ;;
    *) export FASTDDS_DEFAULT_PROFILES_FILE="$afformer_root/config/fastdds.xml" ;;
  esac
fi

unset afformer_root afformer_suffix afformer_setup afformer_name afformer_value
unset afformer_install afformer_folder afformer_package
unset -f afformer_prepend afformer_clear
