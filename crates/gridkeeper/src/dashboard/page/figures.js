// The figures of one bot in a strip.

import { feeWords } from './cells.js';
import { el, setAttribute, setText } from './dom.js';
import { amount, direction, duration, inZone } from './format.js';
import { ofStream } from './marks.js';
import { model, now } from './model.js';

function signed(text, unit) {
  if (text === null) return ['no price', 'even'];
  const way = direction(text);
  return [`${way === 'gain' ? '+' : ''}${amount(text, unit)}`, way];
}

/** Of the assets whose fees are not part of the profit: neither bought nor sold here. */
function apart(bot) {
  const others = Object.keys(bot.fees).filter((asset) => asset !== bot.base && asset !== bot.quote);
  return others.length > 0 ? `; fees in ${others.join(', ')} are not taken off it` : '';
}

const FIGURES = [
  ['Earned after fees', (bot) => signed(bot.realized, bot.quote), (bot) => `from what was sold, also in part, in ${bot.quote}, less the fees of purchase and sale${apart(bot)}`],
  ['Floating', (bot) => signed(bot.floating, bot.quote), (bot) => `what it holds at ${amount(bot.price, bot.quote)}, less what it cost`],
  ['Fees paid', (bot) => [feeWords(bot.fees)], () => 'all fees so far, by asset'],
  ['Round trips', (bot) => [String(bot.round_trips)], () => 'a buy and its sell'],
  ['Fills today', (bot) => [bot.fills_today === null ? 'counting' : String(bot.fills_today)], () => 'since 00:00 UTC'],
  ['Orders in the market', (bot) => [`${bot.levels.open} of ${bot.levels.all}`], (bot) => `${bot.levels.holding} levels hold something to sell; refused ${bot.levels.refused}, held back ${bot.levels.held}, being placed ${bot.levels.pending}, disagreeing ${bot.levels.quarantined}`],
  ['Owed, not placed', (bot) => [bot.owed === 0 ? '✓ nothing' : `! ${bot.owed}`, bot.owed === 0 ? 'even' : 'bad'], (bot) => bot.health.lines.join('\n')],
  ['Holds', (bot) => [amount(bot.held, bot.base)], (bot) => `it cost ${amount(bot.cost, bot.quote)}`],
  ['Stream', (bot) => {
    const [shape, words, tone] = ofStream(bot.stream);
    return [`${shape} ${words}`, tone === 'good' ? 'even' : 'bad'];
  }, (bot) => bot.stream.words],
  ['Compared', (bot) => [bot.recovered_at === null ? 'not yet' : `${duration(now() - bot.recovered_at)} ago`], (bot) => `with the exchange: ${bot.seen}`],
];

/**
 * The strip.
 * @returns {{node: HTMLElement, show: () => void}}
 */
export function figures() {
  const cells = FIGURES.map(([title]) => {
    const value = el('dd');
    return { value, node: el('div', {}, el('dt', { text: title }), value) };
  });
  const node = el('dl', { class: 'figures' }, ...cells.map((cell) => cell.node));
  return {
    node,
    show() {
      const { bot } = model.bot;
      FIGURES.forEach(([, figure, hint], at) => {
        const [text, way] = figure(bot);
        setText(cells[at].value, text);
        setAttribute(cells[at].value, 'data-way', way ?? 'even');
        setAttribute(cells[at].node, 'title', inZone(hint(bot)) || null);
      });
    },
  };
}
