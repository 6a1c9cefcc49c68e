// SPDX-License-Identifier: Apache-2.0
// Shows the cards of one group alone.
'use strict';

const choice = document.getElementById('group');
const cards = Array.from(document.querySelectorAll('article.card'));

function showGroup() {
  for (const card of cards) {
    const groups = JSON.parse(card.dataset.groups);
    card.hidden = choice.value !== '' && !groups.includes(choice.value);
  }
}

choice.addEventListener('change', showGroup);
showGroup();
