# SPDX-License-Identifier: Apache-2.0
"""Long videos for mining: files, folders of frames, topics of bags, episodes of datasets."""

from afformer_core.offline.maskahand.sources.frame_source import FrameSource, LostFrame
from afformer_core.offline.maskahand.sources.search import FoundSources, find_sources, open_source

__all__ = ['FoundSources', 'FrameSource', 'LostFrame', 'find_sources', 'open_source']
