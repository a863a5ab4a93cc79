// Order flow: each fill, what was decided, the order that followed, and how long each step took.

import { levelAddress } from './address.js';
import { el, KeyedChildren, setText } from './dom.js';
import { exactTime, milliseconds, time } from './format.js';
import { side } from './marks.js';
import { model } from './model.js';
import { panel } from './parts.js';

const SHOWN = 40;

const STEP_WORDS = {
  'traded to received': 'heard',
  'received to decided': 'decided',
  'decided to sent': 'sent',
  'sent to accepted': 'accepted',
};

const BOOKED = { next: '', fetched: ', was missing and fetched', late: ', late', second_order: ', of a second order' };

function stepNodes(row) {
  const steps = row.steps.map(({ step, ms }) =>
    el('span', { class: 'step', title: ms < 0 ? `${step}: the exchange’s clock and this machine’s differ, by them it took ${milliseconds(ms)}` : step },
      STEP_WORDS[step] ?? step, ' ', el('b', { text: milliseconds(Math.max(ms, 0)) })));
  const missing = row.not_recorded.map((step) =>
    el('span', { class: 'step', title: step }, STEP_WORDS[step] ?? step, ' ', el('i', { text: 'not recorded' })));
  return [...steps, ...(row.caused === null ? [] : missing)];
}

function followed(row) {
  if (row.caused === null) return [el('span', { class: 'muted', text: 'order not complete yet' })];
  const order = row.caused_order;
  const asks = order ? [side(order.side), ` ${order.quantity} @ ${order.price}`] : [`order number ${row.caused}`];
  return [...asks, row.outcome ? el('span', { class: 'muted', text: ` ${row.outcome}` }) : null].filter(Boolean);
}

function makeRow() {
  const at = el('time');
  const level = el('a', { class: 'level' });
  const event = el('span', { class: 'event' });
  const decision = el('span', { class: 'decision' });
  const order = el('span', { class: 'order' });
  const steps = el('p', { class: 'steps' });
  const arrow = el('span', { 'aria-hidden': 'true', text: '→ ' });
  const node = el('li', {}, el('p', { class: 'what' }, at, level, event, el('span', { class: 'follow' }, arrow, order)), decision, steps);
  return {
    node,
    update(row) {
      setText(at, time(row.traded_at));
      at.title = exactTime(row.traded_at);
      setText(level, `level ${row.level}`);
      level.href = levelAddress(model.bot.bot.bot, row.level);
      event.replaceChildren(side(row.side), ` ${row.quantity} @ ${row.price}`, row.trades > 1 ? el('span', { class: 'muted', text: `, the last of ${row.trades} trades` }) : '');
      setText(decision, `${row.decision} · by ${row.source}${BOOKED[row.booked_as] ?? `, ${row.booked_as}`}`);
      order.replaceChildren(...followed(row));
      steps.replaceChildren(...stepNodes(row));
    },
  };
}

/** One row for each order: its last trade, and how many there were. A row that stays the same is the same object. */
function byOrder(flow, known) {
  const rows = new Map();
  for (const row of flow) {
    const key = `${row.level}-${row.no}`;
    const trades = (rows.get(key)?.trades ?? 0) + 1;
    rows.delete(key);
    rows.set(key, { ...row, key, trades, of: row });
  }
  return [...rows.values()].map((row) => {
    const before = known.get(row.key);
    return before?.of === row.of && before.trades === row.trades ? before : row;
  });
}

/**
 * The panel.
 * @returns {{node: HTMLElement, show: () => void, topics: string[]}}
 */
export function flowPanel() {
  const list = el('ol', { class: 'flow', tabindex: '0', 'aria-label': 'order flow, newest first' });
  const rows = new KeyedChildren(list, makeRow);
  const empty = el('p', { class: 'empty', text: 'No order has traded yet.' });
  const node = panel('orders', 'Order flow: trade → decision → order', list, empty);
  let known = new Map();
  const show = () => {
    const orders = byOrder(model.bot.flow, known);
    known = new Map(orders.map((row) => [row.key, row]));
    const newest = orders.slice(-SHOWN).reverse();
    empty.hidden = newest.length > 0;
    list.hidden = newest.length === 0;
    rows.show(newest, (row) => row.key);
  };
  return { node, show, topics: ['flow'] };
}
