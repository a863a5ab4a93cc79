// Bars of counts, as a drawing of few elements.

const SVG = 'http://www.w3.org/2000/svg';

function shape(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/**
 * A row of bars.
 * @param {string} label what is counted
 * @param {number} height in pixels
 * @returns {{node: SVGElement, show: (bars: Array<{count: number, title: string}>) => void}}
 */
export function bars(label, height) {
  const node = shape('svg', { class: 'bars', role: 'img', 'aria-label': label, height, preserveAspectRatio: 'none' });
  const show = (list) => {
    const most = Math.max(1, ...list.map((bar) => bar.count));
    node.setAttribute('viewBox', `0 0 ${Math.max(1, list.length) * 10} ${height}`);
    while (node.childElementCount > list.length) node.lastElementChild.remove();
    list.forEach(({ count, title }, at) => {
      let bar = node.children[at];
      if (!bar) {
        bar = shape('rect', { x: at * 10 + 1, width: 8 });
        bar.append(shape('title', {}));
        node.append(bar);
      }
      const size = count === 0 ? 1 : Math.max(2, (count / most) * (height - 2));
      const y = String(height - size);
      if (bar.getAttribute('y') !== y || !bar.hasAttribute('height')) {
        bar.setAttribute('y', y);
        bar.setAttribute('height', String(size));
      }
      bar.classList.toggle('zero', count === 0);
      if (bar.firstElementChild.textContent !== title) bar.firstElementChild.textContent = title;
    });
  };
  return { node, show };
}
