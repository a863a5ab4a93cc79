// One bot: its figures, what may be asked of it, and the panels.

import { actionButtons } from './actions.js';
import { download } from './api.js';
import { priceChart } from './chart.js';
import { el, KeyedChildren, setText } from './dom.js';
import { figures } from './figures.js';
import { flowPanel } from './flow.js';
import { inZone, time } from './format.js';
import { ladderPanel } from './ladder.js';
import { latencyPanel } from './latency.js';
import { ofBot, sign } from './marks.js';
import { listen, model } from './model.js';
import { crumbs, panel, showAbsence } from './parts.js';
import { profitPanel } from './profit.js';
import { tripsPanel } from './trips.js';
import { worriesOf } from './worries.js';

function storyPanel() {
  const list = el('ol', { class: 'story short' });
  const lines = new KeyedChildren(list, (line) => ({
    node: el('li', {}, el('time', { text: time(line.at) }), el('span', { text: inZone(line.text) })),
    update: () => {},
  }));
  const empty = el('p', { class: 'empty', text: 'No start, pause or stop yet. What its levels did is in the story of each.' });
  const node = panel('happened', 'The bot’s own story', list, empty);
  const show = () => {
    const story = model.bot?.story ?? [];
    empty.hidden = story.length > 0;
    lines.show([...story].reverse(), (line) => line);
  };
  return { node, show, topics: ['story'] };
}

function downloads(id) {
  const link = (name, text) => el('a', { href: download(name, id), download: true, text });
  return el('p', { class: 'muted downloads' }, 'Download: ', link('fills.csv', 'fills (CSV)'), ' · ',
    link('round-trips.csv', 'round trips (CSV)'));
}

/**
 * Shows one bot.
 * @param {HTMLElement} root
 * @param {string} id
 * @returns {() => void} ends it
 */
export function botView(root, id) {
  const heading = el('h1');
  const status = sign();
  const about = el('p', { class: 'muted' });
  const actions = actionButtons();
  const worry = el('ul', { class: 'worries' });
  const worries = new KeyedChildren(worry, () => {
    const node = el('li');
    return { node, update: (line) => node.replaceChildren(...line.nodes()) };
  });
  const strip = figures();
  const parts = [priceChart(), flowPanel(), ladderPanel(), profitPanel(), latencyPanel(), tripsPanel(), storyPanel()];
  const [chart, flow, ladder, profit, latency, trips, story] = parts.map((part) => part.node);
  const notice = el('p', { class: 'notice' });
  const content = el('div', {},
    el('div', { class: 'title' }, heading, status.node, about, actions.node),
    worry, strip.node,
    el('div', { class: 'panels' }, chart, flow),
    ladder,
    el('div', { class: 'panels thirds' },
      el('div', { class: 'column' }, profit, story),
      latency,
      el('div', { class: 'column' }, trips, downloads(id))));
  root.append(crumbs([['All bots', '#/'], [id, null]]), notice, content);

  const showHead = () => {
    if (!showAbsence(id, notice, content)) return;
    const { bot, grid, unreadable } = model.bot;
    setText(heading, bot.symbol);
    status.set(ofBot(bot));
    setText(about, `bot ${bot.bot} · account ${bot.account} (${bot.environment}) · ${grid.lower} to ${grid.upper} ${bot.quote}, ${grid.spacing}, ${grid.sizing}`);
    actions.show(bot);
    const lines = worriesOf(bot, model.bot.levels, unreadable);
    worries.show(lines, (line) => line.key);
    worry.hidden = lines.length === 0;
    strip.show();
  };
  const ends = [listen(['bot', 'bots', 'price', 'levels'], showHead)];
  showHead();
  for (const part of parts) {
    const show = () => {
      if (model.bot) part.show();
    };
    ends.push(listen(['bot', ...part.topics], show), () => part.end?.());
    show();
  }
  const timer = setInterval(() => {
    if (model.bot && !document.hidden) {
      strip.show();
      parts.forEach((part) => part.tick?.());
    }
  }, 1000);
  return () => {
    clearInterval(timer);
    ends.forEach((end) => end());
  };
}
