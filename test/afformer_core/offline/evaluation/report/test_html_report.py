# SPDX-License-Identifier: Apache-2.0
import base64
import re
from html.parser import HTMLParser

import cv2
import numpy as np

from afformer_core.offline.evaluation.report.html_report import write_report
from afformer_core.offline.evaluation.report.report import EvaluationReport
from afformer_core.offline.reports.bootstrap import Estimate
from afformer_core.offline.reports.tables import Table

GREY = np.full((60, 80, 3), 128, np.uint8)
TABLE = Table(
    'Accuracy',
    ('KLD', 'pairs'),
    {'model': [Estimate(0.5, 0.25, 1.0, 12), 12], 'a < b': [None, 3]},
    ('lower is better',),
)
REPORT = EvaluationReport({'model': 'models/<my model>', 'pairs': 12}, None, (TABLE,))
VOID = {'meta', 'img'}


class Reader(HTMLParser):
    """Collects texts, and fails where tags do not match."""

    def __init__(self):
        super().__init__()
        self.open, self.texts, self.images = [], [], []

    def handle_starttag(self, tag, attributes):
        if tag == 'img':
            self.images.append(dict(attributes)['src'])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def read(path):
    reader = Reader()
    reader.feed(path.read_text(encoding='utf-8'))
    assert reader.open == []
    return reader


def test_facts_measures_and_tables_are_told(tmp_path):
    write_report(tmp_path / 'page.html', REPORT, {})
    texts = read(tmp_path / 'page.html').texts
    assert texts.count('Evaluation of <my model>') == 2
    for text in ('models/<my model>', 'Accuracy', 'a < b', '0.500', '0.250 to 1.000', '12', '-'):
        assert text in texts
    assert 'lower is better' in texts


def test_images_are_in_the_page_with_their_captions(tmp_path):
    captions = ['test/3 & 4, push: KLD 0.52', 'test/5, push: KLD 0.9']
    write_report(tmp_path / 'page.html', REPORT, dict.fromkeys(captions, GREY))
    page = read(tmp_path / 'page.html')
    assert len(page.images) == 2
    for source in page.images:
        kind, data = source.split(',')
        assert kind == 'data:image/jpeg;base64'
        decoded = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        assert decoded.shape == (60, 80, 3)
    assert [text for text in page.texts if text in captions] == captions


def test_the_page_needs_nothing_from_elsewhere(tmp_path):
    write_report(tmp_path / 'page.html', REPORT, {'one': GREY})
    text = (tmp_path / 'page.html').read_text()
    assert not re.findall(r'https?:|<script|<link|@import|url\(', text)
