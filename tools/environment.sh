# SPDX-License-Identifier: Apache-2.0
# The environment of everything that `make setup` built. Source it from any folder in bash or zsh,
# from the root of the project in other shells:
#
#   source tools/environment.sh
#   python -m afformer_ros.demo --help
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
if [ ! -d "$afformer_root/.venv/lib" ]; then
  echo "error: $afformer_root/.venv does not exist; run 'make setup' there first" >&2
  return 1
fi

# afformer_prepend VARIABLE FOLDER: put FOLDER in front of the colon-separated VARIABLE, once.
afformer_prepend() {
  eval "afformer_value=\${$1:-}"
  case ":$afformer_value:" in
    *":$2:"*) ;;
    *) export "$1=$2${afformer_value:+:$afformer_value}" ;;
  esac
}

# afformer_without_apt VARIABLE: drop the folders of an apt ROS 2 from VARIABLE.
afformer_without_apt() {
  eval "afformer_value=\${$1:-}"
  case ":$afformer_value" in
    *:/opt/ros/*)
      afformer_value=$(printf '%s' "$afformer_value" | tr : '\n' | sed '/^\/opt\/ros\//d')
      export "$1=$(printf '%s' "$afformer_value" | paste -s -d : -)"
      ;;
  esac
}

for afformer_name in AMENT_PREFIX_PATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH PATH PYTHONPATH; do
  afformer_without_apt "$afformer_name"
done

export VIRTUAL_ENV="$afformer_root/.venv"
afformer_prepend PATH "$VIRTUAL_ENV/bin"
afformer_prepend AMENT_PREFIX_PATH "$VIRTUAL_ENV"
afformer_prepend CMAKE_PREFIX_PATH "$VIRTUAL_ENV"
for afformer_folder in "$VIRTUAL_ENV"/lib/python3*/site-packages/ros_*.libs "$VIRTUAL_ENV/lib"; do
  afformer_prepend LD_LIBRARY_PATH "$afformer_folder"
done

afformer_install="$afformer_root/install/afformer_ros"
if [ -d "$afformer_install" ]; then
  afformer_prepend AMENT_PREFIX_PATH "$afformer_install"
  afformer_prepend CMAKE_PREFIX_PATH "$afformer_install"
  afformer_prepend LD_LIBRARY_PATH "$afformer_install/lib"
  for afformer_folder in "$afformer_install"/lib/python3*/site-packages; do
    afformer_prepend PYTHONPATH "$afformer_folder"
  done
fi
# The source tree comes first, so that an edit takes effect without another build.
afformer_prepend PYTHONPATH "$afformer_root"

# The ROS wheels start Python a second time to set LD_LIBRARY_PATH, unless told that it is set.
export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1
# The only middleware among the wheels.
export RMW_IMPLEMENTATION=rmw_fastrtps_cpp
# The default transports of Fast DDS, and LARGE_DATA, lose most best-effort messages of the size of
# an image. What was chosen before is kept.
if [ -z "${FASTDDS_BUILTIN_TRANSPORTS:-}${FASTDDS_DEFAULT_PROFILES_FILE:-}" ]; then
  export FASTDDS_DEFAULT_PROFILES_FILE="$afformer_root/config/fastdds.xml"
fi

unset afformer_root afformer_name afformer_value afformer_install afformer_folder
unset -f afformer_prepend afformer_without_apt
