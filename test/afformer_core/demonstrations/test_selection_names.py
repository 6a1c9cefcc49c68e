# SPDX-License-Identifier: Apache-2.0
import pytest

from afformer_core.demonstrations.selection import join_names, split_names, validated_name
from afformer_core.errors import DemonstrationError


@pytest.mark.parametrize('name', ['', '.hidden', '..', 'a/b', '../a', 'a b', 'a\n', 'x' * 65, 'ü'])
def test_names_that_are_refused(name):
    with pytest.raises(DemonstrationError, match='cannot name a demonstration'):
        validated_name(name)


@pytest.mark.parametrize('name', ['a', 'x' * 64, 'press-button_2', '217.5_6.5'])
def test_names_that_are_taken(name):
    assert validated_name(name) == name


def test_several_names_are_joined_and_split():
    assert split_names('left+right') == ('left', 'right')
    assert join_names(('left', 'right')) == 'left+right'


@pytest.mark.parametrize('selection', ['a+', '+', 'a+../b'])
def test_a_part_that_is_no_name(selection):
    with pytest.raises(DemonstrationError, match='cannot name'):
        split_names(selection)
