// SPDX-License-Identifier: Apache-2.0
// Marks points in images by clicks, and writes them as the rows of a points.csv.
'use strict';

const HEADER = 'demonstration,image,action,x,y';

function csvField(value) {
  const text = String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

function csvTable(rows) {
  return [HEADER, ...rows.map((row) => row.map(csvField).join(','))].join('\n') + '\n';
}

// The pixel of the image under the pointer, whatever size the image is drawn in.
function pixelAt(surface, event) {
  const box = surface.getBoundingClientRect();
  const place = (offset, length, pixels) =>
    Math.min(pixels - 1, Math.max(0, Math.floor((offset / length) * pixels)));
  return [
    place(event.clientX - box.left, box.width, Number(surface.dataset.width)),
    place(event.clientY - box.top, box.height, Number(surface.dataset.height)),
  ];
}

function setUp(object) {
  const rows = JSON.parse(object.dataset.rows);
  const action = object.querySelector('input[name="action"]');
  const message = object.querySelector('.message');
  const table = object.querySelector('textarea');
  const save = object.querySelector('.download');
  const surfaces = Array.from(object.querySelectorAll('.surface'));
  let saved = true;

  const demonstration = () => object.querySelector('input[type="radio"]:checked').value;

  function draw() {
    table.value = csvTable(rows);
    // A table without a row is none to training.
    save.disabled = rows.length === 0;
    for (const surface of surfaces) {
      surface.querySelectorAll('.mark').forEach((mark) => mark.remove());
      for (const row of rows) {
        if (row[1] === surface.dataset.image) surface.append(markOf(row, surface));
      }
    }
  }

  function markOf(row, surface) {
    const [shownIn, , name, x, y] = row;
    const mark = document.createElement('button');
    mark.type = 'button';
    mark.className = shownIn === demonstration() ? 'mark' : 'mark other';
    mark.title = `${shownIn}: ${name}, ${x}, ${y}`;
    mark.style.left = `${(100 * (x + 0.5)) / Number(surface.dataset.width)}%`;
    mark.style.top = `${(100 * (y + 0.5)) / Number(surface.dataset.height)}%`;
    mark.addEventListener('click', (event) => {
      event.stopPropagation();
      rows.splice(rows.indexOf(row), 1);
      change();
    });
    return mark;
  }

  function change() {
    saved = false;
    message.textContent = '';
    draw();
  }

  function add(surface, event) {
    const name = action.value.trim();
    if (name === '') {
      message.textContent = 'Name the action first.';
      action.focus();
      return;
    }
    const row = [demonstration(), surface.dataset.image, name, ...pixelAt(surface, event)];
    if (rows.some((other) => other.every((value, index) => value === row[index]))) return;
    rows.push(row);
    change();
  }

  function download() {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([csvTable(rows)], { type: 'text/csv' }));
    link.download = 'points.csv';
    link.click();
    URL.revokeObjectURL(link.href);
    saved = true;
  }

  surfaces.forEach((surface) => surface.addEventListener('click', (event) => add(surface, event)));
  for (const each of object.querySelectorAll('input[type="radio"]')) {
    each.addEventListener('change', draw);
  }
  object.querySelector('.undo').addEventListener('click', () => {
    if (rows.pop() !== undefined) change();
  });
  save.addEventListener('click', download);
  window.addEventListener('beforeunload', (event) => {
    if (!saved) event.preventDefault();
  });
  draw();
}

document.querySelectorAll('.object').forEach(setUp);
