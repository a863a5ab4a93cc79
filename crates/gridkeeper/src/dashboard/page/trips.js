// Round trips: what each buy and its sell earned.

import { levelAddress } from './address.js';
import { feesCell, linkCell, moneyCell } from './cells.js';
import { el, setText } from './dom.js';
import { amount, duration, exactTime, time } from './format.js';
import { model } from './model.js';
import { panel } from './parts.js';
import { Table } from './table.js';

const SHOWN = 50;

function closedCell() {
  const node = el('time');
  return {
    node,
    set(row) {
      setText(node, time(row.closed_at));
      node.title = row.opened_at === null
        ? `${exactTime(row.closed_at)}; what was sold came from the balance`
        : `${exactTime(row.closed_at)}, ${duration(row.closed_at - row.opened_at)} after it was bought`;
    },
  };
}

function columns() {
  const quote = () => model.bot?.bot.quote ?? 'the quote asset';
  return [
    { title: 'Closed', kind: 'name', make: closedCell },
    { title: 'Level', kind: 'num', make: linkCell((row) => String(row.level), (row) => levelAddress(model.bot.bot.bot, row.level)) },
    { title: 'Bought for', kind: 'num', text: (row) => amount(row.bought_for) },
    { title: 'Sold for', kind: 'num', text: (row) => amount(row.sold_for) },
    { title: 'Earned', kind: 'num', hint: `after fees, in ${quote()}`, make: moneyCell((row) => row.profit, () => '') },
    { title: 'Fees', kind: 'num', make: feesCell },
  ];
}

/**
 * The panel.
 * @returns {{node: HTMLElement, show: () => void, topics: string[]}}
 */
export function tripsPanel() {
  const table = new Table('Round trips, newest first', columns(), { empty: 'No round trip is complete yet.', classes: 'trips' });
  const node = panel('trips', 'Round trips, newest first', table.node);
  const show = () => table.show(model.bot.round_trips.slice(-SHOWN).reverse(), (row) => row.id);
  return { node, show, topics: ['round-trips'] };
}
