# SPDX-License-Identifier: Apache-2.0
"""Videos in a bucket of S3 are mined, and each refusal of its server is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from urllib.request import Request, urlopen

import pytest

from afformer_core.cli.main import main
from afformer_core.maskahand.mining.index import read_index
from afformer_core.maskahand.sources.urls import url_of

from .mined_paths import mine, seen

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
def service(film: Path, lerobot_dataset: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    """Address of a server that checks credentials, and those of a user.

    He may read the bucket `lab`, and `absent`, which does not exist, list `listed`, and do nothing
    with `private`.
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
    allowed.append(may('s3:ListBucket', 'listed'))
    policy = json.dumps({'Version': '2012-10-17', 'Statement': allowed})
    iam.put_user_policy(UserName='miner', PolicyName='lab', PolicyDocument=policy)
    for bucket in ('lab', 'listed', 'private'):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key='videos/a.mp4', Body=film.read_bytes())
    for file in filter(Path.is_file, lerobot_dataset.rglob('*')):
        key_name = f'robot/{file.relative_to(lerobot_dataset)}'
        s3.put_object(Bucket='lab', Key=key_name, Body=file.read_bytes())
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


def test_a_bucket_is_mined(
    user: tuple[str, str], red: ModuleType, film: Path, tmp_path: Path
) -> None:
    index = mine(red, tmp_path, 's3://lab/videos', 's3://lab/gone.mp4', 's3://absent/v')

    [local] = mine(red, tmp_path / 'local', str(film)).videos
    assert [url_of(video.path) for video in index.videos] == ['s3://lab/videos/a.mp4']
    assert seen(index.videos[0]) == seen(local)
    told = {url_of(path): reason for path, reason in index.broken}
    assert told.keys() == {'s3://lab/gone.mp4', 's3://absent/v'}
    assert told['s3://lab/gone.mp4'].startswith('gone.mp4 does not exist')
    assert told['s3://absent/v'].startswith('the bucket absent does not exist; expected ')


def test_episodes_of_a_dataset_in_a_bucket_are_those_of_the_disk(
    user: tuple[str, str], red: ModuleType, lerobot_dataset: Path, tmp_path: Path
) -> None:
    index = mine(red, tmp_path, 's3://lab/robot')

    expected = mine(red, tmp_path / 'local', str(lerobot_dataset)).videos
    assert [video.topic for video in index.videos] == ['t=0.0,4.0', 't=4.0,7.5', 't=0.0,3.0']
    assert list(map(seen, index.videos)) == list(map(seen, expected))


@pytest.mark.parametrize(
    ('changed', 'url', 'reason'),
    [
        (
            'AWS_ACCESS_KEY_ID',
            's3://lab/videos',
            'the server does not know this access key. Correct AWS_ACCESS_KEY_ID, or the '
            'profile that contains it',
        ),
        (
            'AWS_SECRET_ACCESS_KEY',
            's3://lab/videos',
            'the secret key is not that of the access key. Correct AWS_SECRET_ACCESS_KEY, or '
            'the profile that contains it',
        ),
        (
            None,
            's3://private/videos',
            'these credentials may not read it. Ask its owner to allow s3:ListBucket and '
            's3:GetObject, or use other credentials',
        ),
        (
            None,
            's3://listed/videos/a.mp4',
            # A server gives no code where it is asked for the size alone.
            'access is denied. Check the credentials of this machine and their permissions',
        ),
    ],
    ids=['no such key', 'another secret', 'nothing allowed', 'listing allowed'],
)
def test_each_refusal_is_told_and_the_rest_is_mined(
    user: tuple[str, str],
    red: ModuleType,
    film: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changed: str | None,
    url: str,
    reason: str,
) -> None:
    monkeypatch.setattr(
        'afformer_core.hands.open_detector.open_hand_detector',
        lambda name: {'red': red.RedHands}[name](),
    )
    rest = [str(film)]
    if changed is None:
        rest.append('s3://lab/videos')
    else:
        monkeypatch.setenv(changed, 'AKIAIOSFODNN7EXAMPLE')
    asked = ['--output', str(tmp_path / 'mined'), '--detector', 'red', '--processes', '1']

    status = main(['mine', url, *rest, *asked])

    assert status == 1
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith('afformer:')]
    name = url.rpartition('/')[2]
    assert told == [f'afformer: {url}: {name} cannot be read: {reason}']
    index = read_index(tmp_path / 'mined' / 'index.json')
    assert [(url_of(path), said) for path, said in index.broken] == [
        (url, f'{name} cannot be read: {reason}')
    ]
    assert [len(video.clips) for video in index.videos] == [3] * len(rest)
