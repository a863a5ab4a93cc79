// All bots in one table, with what is not well above them.

import { botAddress } from './address.js';
import { el, KeyedChildren, setAttribute, setText } from './dom.js';
import { feesCell, linkCell, moneyCell } from './cells.js';
import { count, duration, inZone, time } from './format.js';
import { onFrame } from './frame.js';
import { ofBot, ofStream, sign } from './marks.js';
import { listen, model, now } from './model.js';
import { Table } from './table.js';
import { onPage } from './worries.js';

/** Where it trades matters more than anything: with real money or not. */
function accountCell() {
  const name = el('span');
  const where = el('span', { class: 'muted' });
  return {
    node: el('span', { class: 'lines' }, name, where),
    set(bot) {
      setText(name, bot.account);
      setText(where, bot.environment === 'production' ? 'real money' : bot.environment);
    },
  };
}

function statusCell() {
  const { node, set } = sign();
  return { node, set: (bot) => set(ofBot(bot)) };
}

function streamCell() {
  const { node, set } = sign();
  return { node, set: (bot) => set(ofStream(bot.stream), inZone(bot.stream.words)) };
}

function owedCell() {
  const { node, set } = sign();
  const shown = (bot) => (bot.owed > 0 ? ['!', String(bot.owed), 'bad'] : ['', '0', 'plain']);
  return { node, set: (bot) => set(shown(bot), bot.health.lines.join('\n') || 'nothing is owed and not placed') };
}

/** The last sign of life of what listens to a bot's account. Its own row tells of it only as of its last change. */
function heartbeatOf(bot) {
  const own = model.bridges.filter((bridge) => bridge.accounts.includes(bot.account)).map((bridge) => bridge.at);
  return own.length > 0 ? Math.max(...own) : bot.heartbeat_at;
}

/** Signs of life get older without any event: their cells are told the time once a second. */
function heartbeatCell(ticking) {
  return () => {
    const node = el('span');
    let row = null;
    const show = () => {
      const at = row ? heartbeatOf(row) : null;
      setText(node, at === null ? 'none yet' : `${duration(now() - at)} ago`);
      setAttribute(node, 'title', at === null ? null : `at ${time(at)}`);
    };
    ticking.add(show);
    return {
      node,
      set(bot) {
        row = bot;
        show();
      },
    };
  };
}

function columns(ticking) {
  const number = (of) => (bot) => String(of(bot));
  return [
    { title: 'Bot', kind: 'name', make: linkCell((bot) => bot.bot, (bot) => botAddress(bot.bot)) },
    { title: 'Symbol', text: (bot) => bot.symbol },
    { title: 'Account', make: accountCell },
    { title: 'Status', make: statusCell },
    { title: 'Earned', kind: 'num', hint: 'from what was sold, also in part, after fees', make: moneyCell((bot) => bot.realized, (bot) => bot.quote) },
    { title: 'Floating', kind: 'num', hint: 'what is held, at the last price, against what it cost', make: moneyCell((bot) => bot.floating, (bot) => bot.quote) },
    { title: 'Fees paid', kind: 'num wide', make: feesCell },
    { title: 'Round trips', kind: 'num', hint: 'a buy and its sell', text: number((bot) => bot.round_trips) },
    { title: 'Fills today', kind: 'num', hint: 'since 00:00 UTC', text: (bot) => (bot.fills_today === null ? 'counting' : String(bot.fills_today)) },
    { title: 'Filled', kind: 'num', hint: 'levels that hold something to sell', text: number((bot) => bot.levels.holding) },
    { title: 'Open', kind: 'num', hint: 'levels with an order at the exchange', text: (bot) => `${bot.levels.open} of ${bot.levels.all}` },
    { title: 'Refused', kind: 'num', hint: 'levels whose order was refused', text: number((bot) => bot.levels.refused) },
    { title: 'Owed', kind: 'num', hint: 'orders owed and not placed, or only possibly placed', make: owedCell },
    { title: 'Stream', make: streamCell },
    { title: 'Heartbeat', kind: 'num', hint: 'the last sign of life of what listens to the account', make: heartbeatCell(ticking) },
  ];
}

/** Sums of one asset. For reading only, so floats do; the exact figures are in the rows. */
function sums(bots) {
  const byQuote = new Map();
  for (const bot of bots) {
    const sum = byQuote.get(bot.quote) ?? { realized: 0, floating: 0, unknown: 0 };
    sum.realized += Number(bot.realized);
    if (bot.floating === null) sum.unknown += 1;
    else sum.floating += Number(bot.floating);
    byQuote.set(bot.quote, sum);
  }
  return byQuote;
}

function summaryWords(bots) {
  const parts = [count(bots.length, 'bot')];
  const trips = bots.reduce((sum, bot) => sum + bot.round_trips, 0);
  for (const [quote, sum] of sums(bots)) {
    const floating = sum.unknown === bots.length ? 'no price' : `${sum.floating.toFixed(2)} ${quote}`;
    parts.push(`earned about ${sum.realized.toFixed(2)} ${quote} after fees, floating ${floating}`);
  }
  if (trips > 0) parts.push(count(trips, 'round trip'));
  return parts.join(' · ').replaceAll('-', '−');
}

/** A line about a bot leads to its page, which has the causes. */
function worryOf(line) {
  const words = onPage(inZone(line));
  const bot = [...model.bots.keys()].find((id) => words.startsWith(`${id} `));
  return bot ? [el('a', { href: botAddress(bot), text: bot }), words.slice(bot.length)] : [words];
}

/**
 * Shows all bots.
 * @param {HTMLElement} root
 * @returns {() => void} ends it
 */
export function overview(root) {
  const ticking = new Set();
  const summary = el('p', { class: 'muted' });
  const place = el('p', { class: 'muted place' });
  const list = el('ul', { class: 'worries' });
  const worries = new KeyedChildren(list, () => {
    const node = el('li');
    return { node, update: (line) => node.replaceChildren(...worryOf(line)) };
  });
  const table = new Table('Bots', columns(ticking), {
    empty: 'There is no bot yet. `gridkeeper bot create` makes one; it appears here by itself.',
    classes: 'bots',
    href: (bot) => botAddress(bot.bot),
  });
  root.append(
    el('div', { class: 'title' }, el('h1', { text: 'Bots' }), summary),
    list,
    el('section', { class: 'panel' }, table.node),
    place,
  );
  const showState = () => {
    if (!model.health) return;
    const lines = [...new Set([...model.health.lines, ...model.unreadable])];
    worries.show(lines, (line) => line);
    list.hidden = lines.length === 0;
    const { place: where, version, started_at: since } = model.process;
    const heard = model.bridges.map((bridge) => `${bridge.bridge}${bridge.fresh ? '' : ' (not heard of lately)'}`);
    setText(place, `gridkeeper ${version}, ${where}, since ${time(since)}${heard.length > 0 ? ` · listening: ${heard.join(', ')}` : ''}`);
  };
  const showBots = () => {
    const bots = [...model.bots.values()].sort((a, b) => a.symbol.localeCompare(b.symbol) || a.bot.localeCompare(b.bot));
    table.node.hidden = model.health === null;
    table.show(bots, (bot) => bot.bot);
    if (model.health) setText(summary, summaryWords(bots));
  };
  const tick = () => ticking.forEach((show) => show());
  const timer = setInterval(() => onFrame(tick), 1000);
  const ends = [listen(['state'], showState), listen(['bots'], showBots), () => clearInterval(timer)];
  showState();
  showBots();
  return () => ends.forEach((end) => end());
}
