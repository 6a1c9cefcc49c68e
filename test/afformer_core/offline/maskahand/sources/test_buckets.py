# SPDX-License-Identifier: Apache-2.0
"""Videos in a bucket of S3 are mined, and each refusal of its server is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from urllib.request import Request, urlopen

import pytest

from afformer_core.cli.main import main
from afformer_core.offline.maskahand.mining import mining
from afformer_core.offline.maskahand.mining.clip_table import ClipTable
from afformer_core.offline.maskahand.mining.index import read_index
from afformer_core.offline.maskahand.pretraining.pretraining_data import MaskAHandData
from afformer_core.offline.maskahand.sources.urls import url_of, written_files

pytest.importorskip('moto', reason='moto, which serves buckets, is not installed')
pytest.importorskip('s3fs', reason='s3fs, which reads buckets, is not installed')

# Key and secret of the account, which may do everything.
ROOT = ('root', 'secret')
REGION = 'us-east-1'


def may(action: str, bucket: str) -> dict[str, object]:
    """An entry of a policy that allows an action on a bucket and what is in it."""
    resources = [f'arn:aws:s3:::{bucket}', f'arn:aws:s3:::{bucket}/*']
    return {'Effect': 'Allow', 'Action': action, 'Resource': resources}


@pytest.fixture(scope='module')
def service(film: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    """Address of a server that checks credentials, and those of a user.

    He may use the bucket `lab`, and `absent`, which does not exist, read `shelf`, list `listed`,
    and do nothing with `private`.
    """
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer('127.0.0.1', 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f'http://{host}:{port}'
    named = dict(zip(('aws_access_key_id', 'aws_secret_access_key'), ROOT, strict=True))
    session = boto3.Session(region_name=REGION, **named)
    iam, s3 = (session.client(name, endpoint_url=address) for name in ('iam', 's3'))
    iam.create_user(UserName='miner')
    key = iam.create_access_key(UserName='miner')['AccessKey']
    allowed = [may('s3:*', each) for each in ('lab', 'absent')]
    allowed += [may('s3:ListBucket', each) for each in ('listed', 'shelf')]
    allowed.append(may('s3:GetObject', 'shelf'))
    policy = json.dumps({'Version': '2012-10-17', 'Statement': allowed})
    iam.put_user_policy(UserName='miner', PolicyName='lab', PolicyDocument=policy)
    for bucket in ('lab', 'listed', 'private', 'shelf'):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key='videos/a.mp4', Body=film.read_bytes())
    answer_without_asking(address, '0')
    yield address, (key['AccessKeyId'], key['SecretAccessKey'])
    answer_without_asking(address, 'inf')
    server.stop()


def answer_without_asking(address: str, requests: str) -> None:
    """Let a server ask for credentials after so many requests."""
    asked = Request(f'{address}/moto-api/reset-auth', requests.encode())
    asked.add_header('Content-Type', 'text/plain')
    urlopen(asked).close()


@pytest.fixture
def user(
    service: tuple[str, tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, str]]:
    """The user's key and secret, which are in the environment as on a machine of his."""
    from s3fs import S3FileSystem

    address, credentials = service
    monkeypatch.setenv('AWS_ENDPOINT_URL', address)
    monkeypatch.setenv('AWS_DEFAULT_REGION', REGION)
    monkeypatch.setenv('AWS_ACCESS_KEY_ID', credentials[0])
    monkeypatch.setenv('AWS_SECRET_ACCESS_KEY', credentials[1])
    S3FileSystem.clear_instance_cache()
    yield credentials
    S3FileSystem.clear_instance_cache()


@pytest.fixture
def asked(red_detector: list[str], film: Path) -> Callable[..., list[str]]:
    """The words of `afformer mine` of the film into an output."""

    def words(output: str, *paths: str) -> list[str]:
        named = paths or (str(film),)
        options = ['--clip-frames', '8', '--stride', '4', *red_detector]
        return ['mine', *named, '--output', output, *options]

    return words


def test_an_index_in_a_bucket_is_that_of_the_disk_and_goes_on(
    user: tuple[str, str],
    asked: Callable[..., list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    here, there = tmp_path / 'mined', Path('s3://lab/some/mined')

    assert main(asked(str(here), 's3://lab/videos')) == 0
    assert main(asked('s3://lab/some/mined', 's3://lab/videos')) == 0

    assert 's3://lab/some/mined/index.json: 6 clips in 1 of 1 videos' in capsys.readouterr().out
    expected = read_index(here / 'index.json')
    assert read_index(there / 'index.json') == expected
    [video] = expected.videos
    clips = ClipTable.open(there / 'index.json')
    assert [clips.window(number) for number in range(len(clips))] == list(video.clips)
    assert clips.video(5) == video
    names = {path.name for path in written_files(there)}
    assert {'index.json', '00000.parquet'} < names
    # What is there is not looked at again.
    monkeypatch.setattr(mining, 'write_part', None)
    assert main(asked('s3://lab/some/mined', 's3://lab/videos')) == 0
    assert {path.name for path in written_files(there)} == names


def test_an_index_in_a_bucket_is_trained_on(
    user: tuple[str, str],
    asked: Callable[..., list[str]],
    film: Path,
    root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(asked('s3://lab/trained', 's3://lab/videos', str(film))) == 0

    # It names videos of this machine absolutely.
    videos = read_index(Path('s3://lab/trained/index.json')).videos
    assert {video.path for video in videos} == {Path('s3://lab/videos/a.mp4'), film}

    data = MaskAHandData('s3://lab/trained/index.json', input_size=(32, 48), frames=4)

    [example] = data.first_examples(1)
    assert example.demonstration.shape == (4, 32, 48, 3)
    assert len(data.clips) == 12
    # The command takes its URL, too.
    configuration = str(root / 'config' / 'train' / 'maskahand' / 'folder.yaml')
    named = ['--data.index', 's3://lab/nothing/index.json', '--output', str(tmp_path / 'run')]
    assert main(['train', '-c', configuration, *named]) == 1
    assert 'index s3://lab/nothing/index.json cannot be read' in capsys.readouterr().err


REFUSED = '. Check the credentials of this machine and their permissions'


@pytest.mark.parametrize(
    ('changed', 'output', 'failed', 'remedy'),
    [
        (None, 's3://absent/mined', 's3://absent/mined/parts', '. Correct the address'),
        (None, 's3://shelf/mined', 's3://shelf/mined/parts/KEY/00000.parquet', REFUSED),
        ('AWS_SECRET_ACCESS_KEY', 's3://lab/mined', 's3://lab/mined/parts', REFUSED),
    ],
    ids=['no bucket', 'reading allowed', 'another secret'],
)
def test_a_bucket_that_cannot_be_written_is_told(
    user: tuple[str, str],
    red: ModuleType,
    asked: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changed: str | None,
    output: str,
    failed: str,
    remedy: str,
) -> None:
    if changed is not None:
        monkeypatch.setenv(changed, 'AKIAIOSFODNN7EXAMPLE')
    if 'KEY' not in failed:
        # No video is examined before.
        monkeypatch.setattr(red.RedHands, 'detect', lambda *_: pytest.fail('it is examined'))

    assert main(asked(output)) == 1

    told = re.sub('parts/[0-9a-f]{16}', 'parts/KEY', capsys.readouterr().err.splitlines()[-1])
    assert told.startswith(f'afformer: error: {failed} cannot be written: ')
    assert told.endswith(remedy)


@pytest.mark.parametrize(
    ('changed', 'url', 'remedy'),
    [
        ('AWS_ACCESS_KEY_ID', 's3://lab/videos', REFUSED),
        ('AWS_SECRET_ACCESS_KEY', 's3://lab/videos', REFUSED),
        (None, 's3://private/videos', REFUSED),
        (None, 's3://listed/videos/a.mp4', REFUSED),
        (None, 's3://lab/gone.mp4', '. Correct the address'),
        (None, 's3://absent/v', '. Correct the address'),
    ],
    ids=['no such key', 'another secret', 'nothing allowed', 'listing allowed', 'gone', 'absent'],
)
def test_each_refusal_is_told_and_the_rest_is_mined(
    user: tuple[str, str],
    asked: Callable[..., list[str]],
    film: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changed: str | None,
    url: str,
    remedy: str,
) -> None:
    rest = [str(film)]
    if changed is None:
        rest.append('s3://lab/videos')
    else:
        monkeypatch.setenv(changed, 'AKIAIOSFODNN7EXAMPLE')

    assert main(asked(str(tmp_path / 'mined'), url, *rest)) == 1

    index = read_index(tmp_path / 'mined' / 'index.json')
    [(path, reason)] = index.broken
    assert url_of(path) == url
    assert reason.startswith(f'{path.name} cannot be read: ')
    assert reason.endswith(remedy)
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith('afformer:')]
    assert told == [f'afformer: {url}: {reason}']
    assert [len(video.clips) for video in index.videos] == [6] * len(rest)
