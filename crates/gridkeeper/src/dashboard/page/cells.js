// Cells that several tables have.

import { el, setAttribute, setText } from './dom.js';
import { amount, direction } from './format.js';

/**
 * Fees in words, asset by asset.
 * @param {Object<string, string>} fees
 * @returns {string}
 */
export function feeWords(fees) {
  const all = Object.entries(fees).map(([asset, fee]) => amount(fee, asset));
  return all.length > 0 ? all.join(' + ') : 'none';
}

/**
 * A cell with fees, an asset a line.
 * @returns {{node: Node, set: (row: object) => void}}
 */
export function feesCell() {
  const node = el('span', { class: 'lines' });
  let shown = null;
  return {
    node,
    set({ fees }) {
      const words = feeWords(fees);
      if (words === shown) return;
      shown = words;
      node.replaceChildren(...words.split(' + ').map((text) => el('span', { text })));
    },
  };
}

/**
 * A cell with a gain or a loss: the sign and the tone tell which.
 * @param {(row: object) => string|null} value
 * @param {(row: object) => string} unit
 * @returns {() => {node: Node, set: (row: object) => void}}
 */
export function moneyCell(value, unit) {
  return () => {
    const node = el('span', { class: 'money' });
    return {
      node,
      set(row) {
        const text = value(row);
        const plus = direction(text) === 'gain' ? '+' : '';
        setText(node, text === null ? 'no price' : `${plus}${amount(text, unit(row))}`);
        setAttribute(node, 'data-way', direction(text));
      },
    };
  };
}

/**
 * The first cell of a row: a link, so that each row can be reached with the keyboard, and with the arrows from row to
 * row.
 * @param {(row: object) => string} text
 * @param {(row: object) => string} href
 * @returns {() => {node: Node, set: (row: object) => void}}
 */
export function linkCell(text, href) {
  return () => {
    const node = el('a', { onkeydown: stepRows });
    return {
      node,
      set(row) {
        setText(node, text(row));
        node.href = href(row);
      },
    };
  };
}

function stepRows(event) {
  const step = { ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling' }[event.key];
  if (!step) return;
  let row = event.currentTarget.closest('tr')[step];
  while (row && !row.querySelector('a')) row = row[step];
  if (!row) return;
  event.preventDefault();
  row.querySelector('a').focus();
}
