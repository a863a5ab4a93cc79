// Tables whose rows change one by one. A column says how its cell is made and what it shows; on a narrow screen a row
// becomes a card and the column's title its label.

import { el, KeyedChildren, setText } from './dom.js';

/**
 * A column: `text` for plain words, or `make` for a cell with parts of its own.
 * @typedef {object} Column
 * @property {string} title
 * @property {string} [hint] what the title means, at length
 * @property {string} [kind] classes of its cells, such as `num`
 * @property {(row: object) => unknown} [text]
 * @property {() => {node: Node, set: (row: object) => void}} [make]
 */

/** A table with one row for each key. */
export class Table {
  /**
   * @param {string} label what it lists, for those who do not see it
   * @param {Column[]} columns
   * @param {{empty: string, classes?: string, href?: (row: object) => string}} options `empty` is said where there are no
   *   rows; a row with an address is opened by a click anywhere on it
   */
  constructor(label, columns, options) {
    this.columns = columns;
    this.options = options;
    const head = columns.map((column) =>
      el('th', { scope: 'col', class: column.kind, title: column.hint, text: column.title }));
    this.body = el('tbody');
    this.empty = el('p', { class: 'empty', text: options.empty });
    const table = el('table', { 'aria-label': label, class: options.classes },
      el('thead', {}, el('tr', {}, ...head)), this.body);
    this.node = el('div', { class: 'rows' }, table, this.empty);
    this.rows = new KeyedChildren(this.body, (row) => this.makeRow(row));
  }

  makeRow(first) {
    const setters = [];
    const cells = this.columns.map((column) => {
      const cell = el('td', { class: column.kind, 'data-label': column.title });
      if (column.make) {
        const part = column.make(first);
        cell.append(part.node);
        setters.push(part.set);
      } else {
        setters.push((row) => setText(cell, column.text(row)));
      }
      return cell;
    });
    const node = el('tr', {}, ...cells);
    if (this.options.href) {
      const target = this.options.href(first);
      node.classList.add('opens');
      node.addEventListener('click', (event) => {
        if (!event.target.closest('a, button') && !String(getSelection())) location.hash = target;
      });
    }
    return { node, update: (row) => setters.forEach((set) => set(row)) };
  }

  /**
   * Shows these rows.
   * @param {object[]} rows
   * @param {(row: object) => unknown} keyOf
   */
  show(rows, keyOf) {
    this.empty.hidden = rows.length > 0;
    this.rows.show(rows, keyOf);
  }
}
