#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fine-tune the shipped model on a folder of own pairs, and measure what that changed:
#
#   examples/finetune_three_pairs.sh my_pairs models/mine --trainer.max_steps 100
#
# Three pairs will do for a try; docs/tutorials/own_videos.md says what the folder
# holds. What follows the two folders are options of `afformer train`.
set -euo pipefail

pairs=$1
model=$2
shift 2
configurations=$(cd "$(dirname "${BASH_SOURCE[0]}")/../config/train" && pwd)

afformer train -c "$configurations/own_pairs.yaml" --data.train.annotations "$pairs" \
  --output "$model" "$@"
afformer export "$model"
afformer evaluate shipped "$model" --annotations "$pairs"
