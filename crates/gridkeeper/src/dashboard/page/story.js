// A level's story: what happened, in the server's words, with the trades that prove it.

import { el, KeyedChildren, setText } from './dom.js';
import { amount, exactTime, inZone, milliseconds } from './format.js';
import { side } from './marks.js';

const BOOKED = { next: 'the next of its order', fetched: 'was missing, and fetched', late: 'of an order already passed', second_order: 'of a second order under the same id' };
const SOURCE = { stream: 'by the stream', reply: 'by the reply to the order', recovery: 'by recovery' };

/** From so many trades of one order on they are folded away. */
const FOLDED = 4;

/**
 * Puts each trade to the line that tells of it: a line is written when the last of its trades is. What no line tells
 * of stands by itself, so nothing is left out.
 * @param {Array<{at: number, text: string}>} lines
 * @param {object[]} fills
 * @returns {Array<{at: number, text: string, fills: object[]}>} oldest first
 */
export function withEvidence(lines, fills) {
  const left = [...fills].sort((a, b) => a.committed_at - b.committed_at);
  // Of several lines of one millisecond it is the one that speaks of trades.
  const speaks = (line) => /\btrades? /.test(line.text) || !lines.some((other) => other.at === line.at && /\btrades? /.test(other.text));
  const told = lines.map((line) => {
    const tells = speaks(line) && left.some((fill) => fill.committed_at === line.at);
    const own = tells ? left.filter((fill) => fill.committed_at <= line.at) : [];
    for (const fill of own) left.splice(left.indexOf(fill), 1);
    return { ...line, fills: own };
  });
  const alone = left.map((fill) => ({ at: fill.committed_at, text: `${fill.side} traded`, fills: [fill] }));
  return [...told, ...alone].sort((a, b) => a.at - b.at);
}

function evidence(fill, bot) {
  const order = fill.caused_order;
  const asks = order ? `: ${order.side} ${order.quantity} at ${order.price}` : '';
  const parts = [
    `trade ${fill.trade} of exchange order ${fill.order} (number ${fill.no}), ${fill.maker ? 'maker' : 'taker'}, fee ${amount(fill.fee, fill.fee_asset)}${fill.by_recovery ? ', order placed by recovery' : ''}`,
    `learnt of ${SOURCE[fill.source] ?? fill.source}, ${BOOKED[fill.booked_as] ?? fill.booked_as}: traded ${exactTime(fill.at)}, received ${milliseconds(fill.received_at - fill.at)} later, decided ${milliseconds(fill.committed_at - fill.received_at)} after that`,
    fill.caused === null ? null : `led to order number ${fill.caused}${asks}`,
  ].filter(Boolean);
  return el('li', {}, el('p', {}, side(fill.side), ` ${amount(fill.quantity, bot.base)} at ${amount(fill.price, bot.quote)}`),
    ...parts.map((text) => el('p', { class: 'muted', text })));
}

/** Gives each line a key, and takes the line known under it where nothing has changed, so that it is not drawn again. */
function identified(story, known) {
  const times = new Map();
  return story.map((line) => {
    const words = `${line.at} ${line.text}`;
    // The same words at the same time may be told twice.
    times.set(words, (times.get(words) ?? 0) + 1);
    const key = `${words} ${times.get(words)}`;
    const before = known.get(key);
    return before?.fills.length === line.fills.length ? before : { ...line, key };
  });
}

/**
 * The list, newest first.
 * @returns {{node: HTMLElement, show: (level: object, bot: object) => void}}
 */
export function storyList() {
  const list = el('ol', { class: 'story' });
  const empty = el('p', { class: 'empty', text: 'Nothing has happened yet.' });
  let shown = null;
  let known = new Map();
  const lines = new KeyedChildren(list, (line) => {
    const text = el('p', { text: inZone(line.text) });
    const proof = el('ul', { class: 'evidence' });
    const trades = el('summary');
    const proofs = el('details', {}, trades, proof);
    proofs.open = line.fills.length < FOLDED;
    const node = el('li', {}, el('time', { text: exactTime(line.at) }), el('div', {}, text, proofs));
    return {
      node,
      update(now) {
        setText(text, inZone(now.text));
        proof.replaceChildren(...now.fills.map((fill) => evidence(fill, shown)).reverse());
        setText(trades, `${now.fills.length} trades, newest first`);
        trades.hidden = now.fills.length < FOLDED;
        proofs.hidden = now.fills.length === 0;
        if (now.fills.length < FOLDED) proofs.open = true;
      },
    };
  });
  return {
    node: el('div', {}, list, empty),
    show(level, bot) {
      shown = bot;
      const story = withEvidence(level.explained.story, level.fills);
      const keyed = identified(story, known);
      known = new Map(keyed.map((line) => [line.key, line]));
      empty.hidden = keyed.length > 0;
      lines.show(keyed.reverse(), (line) => line.key);
    },
  };
}
