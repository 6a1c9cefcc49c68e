// SPDX-License-Identifier: Apache-2.0
// Gestures on an image with marks, by a mouse, a pen or a finger, and its zoom in a viewport.
window.gestures = {
  // Distance of a finger from a grip within which it is on the grip, pixels of the screen.
  FINGER: 14,

  nearest(root, point, reach) {
    let found = null;
    for (const grip of root.querySelectorAll('.grip')) {
      const box = grip.getBoundingClientRect(), radius = box.width / 2;
      const [x, y] = [box.left + radius - point.clientX, box.top + box.height / 2 - point.clientY];
      if (Math.hypot(x, y) <= (found?.distance ?? radius + reach))
        found = { grip: grip, distance: Math.hypot(x, y) };
    }
    return found?.grip;
  },

  // A finger that begins on a grip moves its mark; elsewhere, it scrolls the page or the zoomed
  // image.
  fingerDown(event) {
    const [finger] = event.touches;
    if (event.touches.length === 1 && this.nearest(event.currentTarget, finger, this.FINGER))
      event.preventDefault();
  },

  // The circles of a mark follow the pointer until the server draws them elsewhere.
  press(event, emit) {
    if (!event.isPrimary || event.button !== 0) return;
    const root = event.currentTarget, box = root.getBoundingClientRect();
    const reach = event.pointerType === 'touch' ? this.FINGER : 0;
    root.setPointerCapture(event.pointerId);
    emit(event.type, (event.clientX - box.left) / box.width,
         (event.clientY - box.top) / box.height, reach / box.width);
    const grip = this.nearest(root, event, reach);
    const at = grip && `[cx="${grip.getAttribute('cx')}"][cy="${grip.getAttribute('cy')}"]`;
    root.moved = grip ? [...root.querySelectorAll('circle' + at)] : [];
    root.begin = [event.clientX, event.clientY];
  },

  move(event) {
    const root = event.currentTarget, width = root.getBoundingClientRect().width;
    for (const circle of root.moved ?? []) {
      const scale = circle.ownerSVGElement.viewBox.baseVal.width / width;
      const [x, y] = [event.clientX - root.begin[0], event.clientY - root.begin[1]];
      circle.setAttribute('transform', `translate(${x * scale} ${y * scale})`);
    }
  },

  release(event, emit) {
    const root = event.currentTarget, box = root.getBoundingClientRect();
    if (event.type === 'pointercancel')
      for (const circle of root.moved ?? []) circle.removeAttribute('transform');
    root.moved = [];
    if (!event.isPrimary || event.button > 0) return;
    emit(event.type, (event.clientX - box.left) / box.width,
         (event.clientY - box.top) / box.height, 0);
  },

  turnWheel(event, emit) {
    const box = event.currentTarget.getBoundingClientRect();
    emit(event.deltaY < 0 ? 1 : -1, event.clientX - box.left, event.clientY - box.top);
  },

  // The pixel at (left, top) of the viewport, or at its centre, stays in place.
  zoom(viewport, level, left, top) {
    // The page may have left the tab in the meantime.
    if (!viewport) return;
    left ??= viewport.clientWidth / 2;
    top ??= viewport.clientHeight / 2;
    const x = (viewport.scrollLeft + left) / viewport.scrollWidth;
    const y = (viewport.scrollTop + top) / viewport.scrollHeight;
    viewport.style.setProperty('--zoom', level);
    viewport.style.overflow = level > 1 ? 'auto' : 'hidden';
    viewport.scrollLeft = x * viewport.scrollWidth - left;
    viewport.scrollTop = y * viewport.scrollHeight - top;
  },
};
