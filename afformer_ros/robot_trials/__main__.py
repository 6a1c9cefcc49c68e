# SPDX-License-Identifier: Apache-2.0
"""The command of the trials of the simulated robot.

python -m afformer_ros.robot_trials --scenes 100 --noise 0.01
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, replace
from functools import partial
from itertools import chain
from pathlib import Path

from tqdm import tqdm

from afformer_core.files.atomic import write_aside
from afformer_core.files.provenance import provenance
from afformer_core.runtime.model_folder import description_files
from afformer_core.runtime.shipped_model import SHIPPED, model_folder
from afformer_ros.environment import run_apart
from afformer_sim.closed_loop.trial import ClosedLoopSettings

# Errors of a robot's calibration, as parameters of the simulated robot.
_ERRORS = {'camera_shift': 0.005, 'camera_turn': 1.0, 'depth_shift': 2.0}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trials and print their tables; return the exit status."""
    options = _parser().parse_args(arguments)
    return run_apart('the run of trials', partial(_run, options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m afformer_ros.robot_trials',
        description='Load demonstrations into the grounding node, let a planner repeat them with '
        'a simulated arm through ROS 2, and judge the results by the state of the simulator.',
        epilog='example: python -m afformer_ros.robot_trials --scenes 100 --noise 0.01',
    )
    default = ClosedLoopSettings()
    parser.add_argument(
        '--scenes', type=int, default=default.scenes, help='number of scenes of each seed'
    )
    parser.add_argument(
        '--seed', type=int, nargs='+', default=[default.seed], help='seeds of the scenes'
    )
    parser.add_argument(
        '--families', nargs='+', default=default.families, help='families of fixtures'
    )
    parser.add_argument(
        '--noise',
        type=float,
        default=0.01,
        help='noise of depth, as a share of the depth (default: 0.01)',
    )
    parser.add_argument(
        '--attempts',
        type=int,
        default=3,
        choices=range(1, 11),
        metavar='N',
        help='maximum number of attempts at a demonstration (default: 3)',
    )
    parser.add_argument(
        '--errors',
        action='store_true',
        help="the errors of a robot: a camera's pose that is off by 5 mm and 1 degree, depth that "
        'is off the image by 2 pixels, and in every fifth trial a demonstration of something that '
        'is not there, in turn of a look-alike and of another family',
    )
    parser.add_argument(
        '--marks',
        action='store_true',
        help='mark the contact of a demonstration if the planner is unsure which part is meant, '
        'as a person would',
    )
    parser.add_argument('--model', default='', help='model folder (default: the shipped model)')
    parser.add_argument(
        '--no-baselines',
        action='store_true',
        help='leave out the attempts at the right pixel and at a random element',
    )
    parser.add_argument(
        '--json',
        type=Path,
        help='JSON file to write after each trial, with all numbers and trials',
    )
    parser.add_argument(
        '--resume',
        action='store_true',
        help='keep the trials in the file of --json, and run those that it lacks',
    )
    return parser


def _run(options: argparse.Namespace) -> None:
    # ROS is imported only after its environment variables are set.
    from afformer_ros.driver.grounding_driver import NodeProcesses
    from afformer_ros.robot_trials.report import build_robot_report
    from afformer_ros.robot_trials.robot_graph import RobotGraph
    from afformer_ros.robot_trials.trials import RobotTrial, run_trials, trial_of

    settings = ClosedLoopSettings(
        scenes=options.scenes, families=tuple(options.families), noise=options.noise
    )
    robot = {
        'families': f'[{",".join(options.families)}]',
        'seed': options.seed[0],
        'depth_noise': options.noise,
        'image_rate': 2.0,
        'real_time_factor': 2.0,
        **(_ERRORS if options.errors else {}),
    }
    trials: list[RobotTrial] = []
    if options.resume and options.json is not None and options.json.exists():
        trials += map(trial_of, json.loads(options.json.read_bytes())['trials'])
    model = options.model or SHIPPED
    facts = {
        'model': model,
        'seed': ', '.join(map(str, options.seed)),
        'noise of depth': f'{options.noise:g}',
        'attempts': options.attempts,
        'contacts marked if unsure': 'yes' if options.marks else 'no',
        'errors of the robot': 'yes' if options.errors else 'no',
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        NodeProcesses(Path(folder)) as processes,
        closing(RobotGraph(Path(folder), processes, options.model, robot)) as graph,
    ):
        graph.bring_up()
        runs = (
            run_trials(
                graph,
                replace(settings, seed=seed),
                baselines=not options.no_baselines,
                absences=options.errors,
                attempts=options.attempts,
                marks=options.marks,
                made={trial.scene for trial in trials if trial.seed == seed},
            )
            for seed in options.seed
        )
        total = options.scenes * len(options.seed) - len(trials)
        progress = tqdm(chain.from_iterable(runs), total=total, unit='scene')
        for trial in progress:
            trials.append(trial)
            progress.write(
                f'{trial.scene} {trial.family}: {trial.action} the {trial.kind} '
                f'({trial.presence}): {trial.model.verdict} after {trial.model.attempts} attempts '
                f'({trial.model.said})'
            )
            if options.json is not None:
                content = {
                    **build_robot_report(trials, facts).to_json(),
                    'trials': [asdict(made) for made in trials],
                    'provenance': provenance(options.seed, description_files(model_folder(model))),
                }
                write_aside(options.json, (json.dumps(content, indent=2) + '\n').encode())
    print(build_robot_report(trials, facts).to_markdown(), flush=True)


if __name__ == '__main__':
    sys.exit(main())
