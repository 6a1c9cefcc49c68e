# SPDX-License-Identifier: Apache-2.0
"""States of the node, its end in each of them, and what survives."""

import math
import shutil
import signal
from dataclasses import replace

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition

from afformer_core.demonstrations.state import StoreEntry, Summary
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.runtime.demonstration import EncodedFrames, FrameFeatures
from afformer_core.runtime.model_folder import read_description, write_description
from afformer_ros.client import GoalRefusedError


def _ends(process, signal_number):
    assert process.stop(signal_number) == 0
    assert 'Traceback' not in process.output


@pytest.mark.slow
def test_a_damaged_demonstration_is_told_and_the_others_are_there(nodes):
    frames = np.zeros((2, 64, 64, 3), np.uint8)
    writer = DemonstrationStore(nodes.store).begin('sound')
    for number, frame in enumerate(frames):
        writer.add_frame(frame, 0.1 * number)
    summary = Summary(name='sound', frames=2, frames_kept=2, duration=0.1, begin=0.0, end=0.1)
    # Of another model, so that its frames are encoded when it is selected.
    encoded = EncodedFrames(frames, FrameFeatures(np.zeros((2, 4, 1, 1), np.float32)))
    writer.finish(StoreEntry(summary, 1.0, 0, 1, 'another model'), encoded)
    (nodes.store / 'broken.mcap').write_bytes(b'half a file')
    process = nodes.grounding()
    client = nodes.client()
    assert client.change_state(Transition.TRANSITION_CONFIGURE)
    assert client.list().names == ['sound']
    assert 'broken.mcap is damaged' in process.output
    assert client.select('sound').success
    _ends(process, signal.SIGTERM)


def _nan_model(folder):
    import torch
    from safetensors.torch import load_file

    from afformer_core.models.afformer import Afformer
    from afformer_core.runtime.model_folder import read_description
    from afformer_core.runtime.weights import save_model

    model = Afformer(read_description(folder).configuration)
    model.load_state_dict(load_file(folder / 'model.safetensors'))
    next(model.parameters()).data.fill_(torch.nan)
    save_model(folder, model, {})


def test_a_model_that_cannot_be_used_leaves_the_one_before(
    nodes, exported_model, random_model, tmp_path
):
    other = str(shutil.copytree(exported_model, tmp_path / 'other'))
    _nan_model(shutil.copytree(random_model, tmp_path / 'nan'))
    process = nodes.grounding(diagnostics_period=0.2)
    client = nodes.client()
    client.grounding.use_model(other)
    assert client.state() == 'inactive'
    assert client.change_state(Transition.TRANSITION_ACTIVATE)
    client.connect()
    client.record('press')
    for number, (bad, message) in enumerate((('absent', 'does not exist'), ('nan', 'NaN'))):
        # A model that takes long to load is refused when the node is activated.
        with pytest.raises(GoalRefusedError, match=r'did not become'):
            client.grounding.use_model(str(tmp_path / bad))
        assert message in process.output
        client.ground(client.image_message(number))
        assert client.told('grounding', '')['model'] == other
    assert 'Traceback' not in process.output


@pytest.mark.slow
def test_a_calibration_of_other_weights_is_not_used(shipped_nodes, shipped_model, tmp_path):
    folder = tmp_path / 'tuned'
    shutil.copytree(shipped_model, folder)
    description = read_description(folder)
    other = replace(description.calibration, weights_sha256='ab12')
    write_description(folder, replace(description, calibration=other))
    process = shipped_nodes.grounding(model=folder, diagnostics_period=0.2)
    client = shipped_nodes.client()
    client.bring_up()
    told = client.told(
        'presence', f'the calibration of {folder} belongs to the weights ab12; expected '
    )
    assert 'afformer calibrate' in told['message']
    assert '[WARN]' in process.output
    assert told['message'] in process.output
    client.record('press')
    affordance = client.ground(client.image_message(1))
    assert math.isnan(affordance.presence)
    assert math.isnan(affordance.presence_threshold)


@pytest.mark.slow
def test_a_model_without_graphs_says_how_to_be_faster(nodes, random_model):
    process = nodes.grounding(model=random_model, backend='auto')
    nodes.client().bring_up()
    advice = f'PyTorch; run as this user: afformer export {random_model}\n'
    nodes.client().wait(lambda: advice in process.output, 'the advice')
    assert 'model loaded with torch' in process.output
