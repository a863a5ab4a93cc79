// Signs for states. Each is a shape and a word; colour only helps.

import { el, setAttribute, setText } from './dom.js';

const LEVEL = {
  open: ['●', 'open', 'good'],
  pending: ['◔', 'being placed', 'wait'],
  refused: ['✕', 'refused', 'bad'],
  held: ['❚❚', 'held back', 'wait'],
  quarantined: ['⚠', 'disagrees', 'bad'],
  idle: ['○', 'owes nothing', 'plain'],
  none: ['○', 'none yet', 'plain'],
};

const BOT = {
  running: ['▶', 'good'],
  ready: ['○', 'plain'],
  paused: ['❚❚', 'wait'],
  stopping: ['◔', 'wait'],
  stopped: ['■', 'plain'],
};

const STREAM = { subscribed: ['●', 'good'], down: ['✕', 'bad'], never: ['○', 'wait'] };

const HEALTH = { well: ['✓', 'good'], owing: ['!', 'wait'], trouble: ['⚠', 'bad'] };

/**
 * A sign: a shape and words.
 * @returns {{node: HTMLElement, set: (parts: [string, string, string], title?: string) => void}} `parts` are the shape,
 *   the words and the tone: `good`, `wait`, `bad` or `plain`
 */
export function sign() {
  const shape = el('span', { class: 'shape', 'aria-hidden': 'true' });
  const words = el('span');
  const node = el('span', { class: 'sign' }, shape, words);
  const set = ([mark, text, tone], title) => {
    setText(shape, mark);
    setText(words, text);
    setAttribute(node, 'data-tone', tone);
    setAttribute(node, 'title', title ?? null);
  };
  return { node, set };
}

/**
 * The sign of a level's order.
 * @param {string} state
 * @returns {[string, string, string]}
 */
export function ofLevel(state) {
  return LEVEL[state] ?? ['?', state, 'wait'];
}

/**
 * The sign of a bot's status.
 * @param {object} bot
 * @returns {[string, string, string]}
 */
export function ofBot(bot) {
  const [shape, tone] = BOT[bot.observed] ?? ['?', 'wait'];
  return [shape, bot.removed ? `${bot.status}, removed` : bot.status, tone];
}

/**
 * The sign of an account's stream.
 * @param {{state: string}} stream
 * @returns {[string, string, string]}
 */
export function ofStream(stream) {
  const [shape, tone] = STREAM[stream.state] ?? ['?', 'wait'];
  return [shape, stream.state === 'never' ? 'not yet' : stream.state, tone];
}

/**
 * The sign of a health.
 * @param {{state: string}} health
 * @returns {[string, string]} shape and tone
 */
export function ofHealth(health) {
  return HEALTH[health.state] ?? ['?', 'wait'];
}

/**
 * A side in words with its shape: buys point up, sells down.
 * @param {string} side
 * @returns {HTMLElement}
 */
export function side(side) {
  const shape = el('span', { class: 'shape', 'aria-hidden': 'true', text: side === 'BUY' ? '▲' : '▼' });
  return el('span', { class: `side ${side === 'BUY' ? 'buy' : 'sell'}` }, shape, side);
}
