#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Mines videos on the nodes of a Slurm job, with Ray between them:
#
#   VIDEOS=/data/videos OUTPUT=/data/mined sbatch --nodes=16 examples/cluster/slurm.sh
#
# Every node needs the same folders and the same environment with `afformer[cluster]`. The job is
# queued again after a failure, and goes on from where it was. Without Slurm the same script runs
# on the machines in NODES, which is this one where it is not set.
#SBATCH --job-name=afformer-mine
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=32
#SBATCH --mem-per-cpu=2G
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --no-kill
#SBATCH --open-mode=append
set -euo pipefail

: "${VIDEOS:?names the videos: a folder, or a URL such as s3://bucket/videos}"
: "${OUTPUT:?names the folder of the index}"
DETECTOR=${DETECTOR:-mediapipe}
PORT=${PORT:-6379}
CORES=${CORES:-${SLURM_CPUS_PER_TASK:-$(nproc)}}

if [ -n "${SLURM_JOB_ID:-}" ]; then
  mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
  on() { srun --nodes=1 --ntasks=1 --overlap --no-kill --nodelist="$1" "${@:2}"; }
else
  read -ra nodes <<< "${NODES:-127.0.0.1}"
  on() { exec "${@:2}"; }
fi
head=$(getent ahostsv4 "${nodes[0]}" | awk 'NR == 1 { print $1 }')

# `ray start` protects a cluster by a token in the home folder, which the nodes share.
export RAY_AUTH_MODE=token
# Ray ends with this script.
trap 'kill $(jobs -p) 2> /dev/null || true; wait' EXIT
on "${nodes[0]}" ray start --head --node-ip-address "$head" --port "$PORT" \
    --num-cpus "$CORES" --include-dashboard false --block &
until ray health-check --address "$head:$PORT" 2> /dev/null; do
  kill -0 $! || { echo 'the head node of Ray has not started' >&2; exit 1; }
  sleep 1
done
for node in "${nodes[@]:1}"; do
  on "$node" ray start --address "$head:$PORT" --num-cpus "$CORES" --block &
done

# Nodes that join later are used, too.
afformer mine "$VIDEOS" --output "$OUTPUT" --detector "$DETECTOR" --engine ray \
    --address "$head:$PORT" --processes $((CORES * ${#nodes[@]}))
