// The ladder: every level, highest first, with the price between them.

import { levelAddress } from './address.js';
import { linkCell, moneyCell } from './cells.js';
import { el, setAttribute, setText } from './dom.js';
import { amount, duration, inZone, time } from './format.js';
import { ofLevel, sign, side } from './marks.js';
import { model, now } from './model.js';
import { panel } from './parts.js';
import { Table } from './table.js';

/** More rows than these are shown only when asked for; until then those around the price. */
const MOST = 200;

/**
 * An order's side and price in words, for a cell.
 * @returns {{node: HTMLElement, set: (row: object) => void}}
 */
function orderCell() {
  const node = el('span');
  let shown = null;
  return {
    node,
    set({ order }) {
      const words = order ? `${order.side} ${order.quantity} @ ${order.price}` : 'none';
      if (words === shown) return;
      shown = words;
      node.replaceChildren(...(order ? [side(order.side), ` ${order.quantity} @ ${order.price}`] : ['none yet']));
    },
  };
}

function stateCell() {
  const { node, set } = sign();
  return {
    node,
    set(row) {
      const [shape, words, tone] = ofLevel(row.state);
      const calm = row.state === 'held' && !row.owed;
      set([shape, words, calm ? 'plain' : tone], row.words);
    },
  };
}

function ageCell(ticking) {
  return () => {
    const node = el('span');
    let sent = null;
    const show = () => setText(node, sent === null ? '–' : duration(now() - sent));
    ticking.add(show);
    return {
      node,
      set({ order }) {
        sent = order?.sent_at ?? null;
        setAttribute(node, 'title', sent === null ? 'not known' : `sent at ${time(sent)}`);
        show();
      },
    };
  };
}

function executedWords({ order }) {
  if (!order) return '–';
  return order.executed;
}

function columns(ticking, quote) {
  return [
    { title: 'Level', kind: 'num name', make: linkCell((row) => String(row.level), (row) => levelAddress(model.bot.bot.bot, row.level)) },
    { title: 'Buys at', kind: 'num', text: (row) => row.buy },
    { title: 'Sells at', kind: 'num', text: (row) => row.sell },
    { title: 'Holds', kind: 'num', text: (row) => (row.held === '0' ? '–' : row.held) },
    { title: 'Order', kind: 'order', make: orderCell },
    { title: 'State', kind: 'state', make: stateCell },
    { title: 'Age', kind: 'num', hint: 'since its last attempt was sent', make: ageCell(ticking) },
    { title: 'Executed', kind: 'num', hint: 'of the order so far', text: executedWords },
    { title: 'Earned', kind: 'num', hint: `after fees, in ${quote()}`, make: moneyCell((row) => row.realized, () => '') },
    { title: 'Trips', kind: 'num', text: (row) => String(row.round_trips) },
    { title: 'Why', kind: 'why', text: (row) => inZone(row.why) },
  ];
}

/** The levels to show, highest first. */
function chosen(levels, price, all) {
  const sorted = [...levels].sort((a, b) => b.level - a.level);
  if (all || sorted.length <= MOST) return sorted;
  const at = sorted.findIndex((row) => Number(row.buy) <= price);
  const from = Math.max(0, Math.min((at < 0 ? sorted.length : at) - MOST / 2, sorted.length - MOST));
  return sorted.slice(from, from + MOST);
}

/**
 * The panel.
 * @returns {{node: HTMLElement, show: () => void, tick: () => void, topics: string[]}}
 */
export function ladderPanel() {
  const ticking = new Set();
  const table = new Table('Levels, highest first', columns(ticking, () => model.bot?.bot.quote ?? 'the quote asset'), {
    empty: 'This bot has no level that can be read.',
    classes: 'ladder',
    href: (row) => levelAddress(model.bot.bot.bot, row.level),
  });
  let all = false;
  let found = false;
  const more = el('button', { type: 'button', class: 'quiet' });
  const node = panel('levels', 'Ladder, highest first', table.node, more);
  const show = () => {
    const { levels, price } = model.bot;
    const rows = chosen(levels, Number(price?.price ?? 0), all);
    more.hidden = rows.length === levels.length;
    setText(more, `Show all ${levels.length} levels`);
    table.show(rows, (row) => row.level);
    markPrice(table.body, rows, price);
    if (!found) found = scrollToPrice(table.node);
  };
  more.addEventListener('click', () => {
    all = true;
    show();
  });
  return { node, show, topics: ['levels', 'price'], tick: () => ticking.forEach((one) => one()) };
}

/** Once, at first: a long ladder starts where the price is. Afterwards it stays where the viewer has it. */
function scrollToPrice(node) {
  const here = node.querySelector('tr[data-price]');
  if (here) node.scrollTop = here.offsetTop - node.clientHeight / 2;
  return here !== null;
}

/** Marks the level whose two prices are around the market's, and those that owe something. */
function markPrice(body, rows, price) {
  const value = Number(price?.price);
  rows.forEach((row, at) => {
    const node = body.children[at];
    const here = price !== null && Number(row.buy) <= value && value < Number(row.sell);
    const words = here ? amount(price.price, model.bot.bot.quote) : null;
    setAttribute(node, 'data-owed', row.owed || row.state === 'quarantined' ? '' : null);
    const why = node.lastElementChild;
    setAttribute(why, 'title', inZone(row.why));
    setAttribute(why, 'data-price', words);
    setAttribute(node, 'data-price', words);
  });
}
