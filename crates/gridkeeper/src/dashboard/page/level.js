// One level: what it holds and owes, why, what comes next, and its whole story with the evidence.

import { botAddress } from './address.js';
import { fetchLevel } from './api.js';
import { el, setAttribute, setText } from './dom.js';
import { inZone } from './format.js';
import { onFrame } from './frame.js';
import { ofLevel, sign } from './marks.js';
import { listen, model } from './model.js';
import { crumbs, panel, showAbsence } from './parts.js';
import { storyList } from './story.js';

/** Between two questions: a busy level changes many times a second. */
const ASK_AGAIN_MS = 400;

const PARTS = [
  ['Its prices', (explained) => explained.ladder],
  ['It holds', (explained) => explained.holds],
  ['Its order', (explained, { row }) => [explained.order, FIRST[row.order?.purpose]].filter(Boolean).join('; ')],
  ['Why', (explained) => explained.why],
  ['What comes next', (explained) => explained.next],
  ['You can', (explained) => explained.remedy],
  ['As seen', (explained, answer) => answer.seen],
];

/** Why an order is not at one of the level's lines. */
const FIRST = {
  first_inventory: 'this is its first purchase, made near the market’s price and not at its line, so that it has something to sell at its upper line',
  liquidation: 'this is a sale at the market, as the bot is stopped with selling',
};

/** Asks for the level now and whenever it has changed, one question at a time. */
function keepAsking(bot, level, onAnswer, onError) {
  const stop = new AbortController();
  let asking = false;
  let again = false;
  const ask = async () => {
    again = asking;
    if (asking || stop.signal.aborted) return;
    asking = true;
    try {
      const answer = await fetchLevel(bot, level, stop.signal);
      if (!stop.signal.aborted) onAnswer(answer);
    } catch (error) {
      if (!stop.signal.aborted) onError(error);
    }
    setTimeout(() => {
      asking = false;
      if (again) ask();
    }, ASK_AGAIN_MS);
  };
  return { ask, end: () => stop.abort() };
}

/** What of the watched bot is about this level: another value means that it changed. */
function versionOf(level) {
  const row = model.bot?.levels.find((one) => one.level === level);
  const fill = model.bot?.fills.findLast((one) => one.level === level);
  return model.bot ? `${row?.version} ${row?.changed_at} ${row?.state} ${fill?.id}` : null;
}

/**
 * Shows one level of a bot.
 * @param {HTMLElement} root
 * @param {string} id
 * @param {number} level
 * @returns {() => void} ends it
 */
export function levelView(root, id, level) {
  const heading = el('h1', { text: `Level ${level}` });
  const state = sign();
  const short = el('p', { class: 'muted' });
  const close = el('a', { class: 'close', href: botAddress(id), text: 'Close (Esc)' });
  const notice = el('p', { class: 'notice', role: 'status' });
  const problem = el('p', { class: 'problem', role: 'status' });
  const values = PARTS.map(([title]) => {
    const value = el('dd');
    return { value, node: el('div', {}, el('dt', { text: title }), value) };
  });
  const now = panel('standing', 'How it stands', el('dl', { class: 'facts' }, ...values.map((one) => one.node)));
  const story = storyList();
  const told = panel('told', 'Its whole story, newest first', story.node);
  const content = el('div', {}, el('div', { class: 'title' }, heading, state.node, short, close), problem,
    el('div', { class: 'panels level' }, now, told));
  root.append(crumbs([['All bots', '#/'], [id, botAddress(id)], [`level ${level}`, null]]), notice, content);

  let latest = null;
  const show = () => {
    if (!latest || !model.bot) return;
    const { row, explained, unreadable } = latest;
    setText(heading, `${latest.symbol}, level ${level}`);
    state.set(ofLevel(row.state), row.words);
    setText(short, row.asks ?? '');
    PARTS.forEach(([, words], at) => {
      const text = inZone(words(explained, latest));
      values[at].node.hidden = !text;
      setText(values[at].value, text);
    });
    setAttribute(now, 'data-tone', explained.owed_not_placed || explained.quarantined ? 'bad' : 'plain');
    setText(problem, unreadable.join(' '));
    story.show(latest, model.bot.bot);
  };
  const asking = keepAsking(id, level, (answer) => {
    latest = answer;
    onFrame(show);
  }, (error) => setText(problem, error.status ? [error.message, error.mend].filter(Boolean).join('; ') : ''));
  let asked = null;
  const look = () => {
    if (!showAbsence(id, notice, content)) return;
    const version = versionOf(level);
    if (version !== asked) {
      asked = version;
      asking.ask();
    }
  };
  // A snapshot follows each reconnection, and with it the story may be another.
  let snapshot = model.bot;
  const lookAnew = () => {
    if (snapshot !== model.bot) asked = null;
    snapshot = model.bot;
    look();
  };
  const ends = [listen(['bot', 'levels', 'fills'], lookAnew), asking.end];
  look();
  return () => ends.forEach((end) => end());
}
