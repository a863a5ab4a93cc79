// What is known, and who wants to hear when it changes. Rows are whole and replaced by key, so a view can tell by
// identity what has changed.

import { offFrame, onFrame } from './frame.js';

const FILLS_KEPT = 500;
const FLOW_KEPT = 100;
const TRIPS_KEPT = 200;
const PRICES_KEPT = 3000;
const PROFIT_KEPT = 2000;
const STORY_KEPT = 50;

/** The latest of everything. `bot` is the one that is watched in full, `null` until it has come. */
export const model = {
  connection: 'connecting',
  why: '',
  trouble: null,
  /** What the server's clock is ahead of this one's, ms. */
  ahead: 0,
  process: null,
  health: null,
  accounts: [],
  bridges: [],
  unreadable: [],
  bots: new Map(),
  bot: null,
  gone: null,
};

const listeners = new Map();

/**
 * Calls a function with the next frame after a change of one of these topics: `connection`, `state`, `bots`, `bot`,
 * `levels`, `fills`, `flow`, `round-trips`, `profit`, `stats`, `price`, `story`.
 * @param {string[]} topics
 * @param {() => void} listener
 * @returns {() => void} ends it
 */
export function listen(topics, listener) {
  for (const topic of topics) {
    if (!listeners.has(topic)) listeners.set(topic, new Set());
    listeners.get(topic).add(listener);
  }
  return () => {
    for (const topic of topics) listeners.get(topic).delete(listener);
    offFrame(listener);
  };
}

/** @param {...string} topics what changed */
export function changed(...topics) {
  for (const topic of topics) {
    for (const listener of listeners.get(topic) ?? []) onFrame(listener);
  }
}

/** @returns {number} the server's time now, ms */
export function now() {
  return Date.now() + model.ahead;
}

/** Forgets the bot that was watched. */
export function forgetBot() {
  model.bot = null;
  model.gone = null;
}

function keep(list, added, most) {
  list.push(...added);
  if (list.length > most) list.splice(0, list.length - most);
}

/** Adds rows, each in the place of one with the same id. */
function put(list, rows, most) {
  for (const row of rows) {
    const at = list.findLastIndex((known) => known.id === row.id);
    if (at >= 0) list[at] = row;
    else list.push(row);
  }
  if (list.length > most) list.splice(0, list.length - most);
}

function setState(data) {
  model.ahead = data.now - Date.now();
  model.process = data.process;
  model.health = data.health;
  model.accounts = data.accounts;
  model.bridges = data.bridges;
  model.unreadable = data.unreadable;
}

const handlers = {
  overview(data) {
    setState(data);
    model.bots = new Map(data.bots.map((row) => [row.bot, row]));
    return ['state', 'bots'];
  },
  state(data) {
    setState(data);
    return ['state'];
  },
  bots(data) {
    for (const row of data.bots) {
      model.bots.set(row.bot, row);
      if (model.bot?.bot.bot === row.bot) model.bot.bot = row;
    }
    for (const id of data.removed) model.bots.delete(id);
    return ['bots'];
  },
  bot(data) {
    model.bot = data;
    model.gone = null;
    return ['bot', 'bots', 'levels', 'fills', 'flow', 'round-trips', 'profit', 'stats', 'price', 'story'];
  },
  levels(data, bot) {
    for (const row of data.levels) {
      const at = bot.levels.findIndex((known) => known.level === row.level);
      if (at >= 0) bot.levels[at] = row;
      else bot.levels.push(row);
    }
    return ['levels'];
  },
  fills(data, bot) {
    put(bot.fills, data.fills, FILLS_KEPT);
    bot.fills_total = data.fills_total;
    return ['fills'];
  },
  flow(data, bot) {
    put(bot.flow, data.flow, FLOW_KEPT);
    return ['flow'];
  },
  'round-trips'(data, bot) {
    put(bot.round_trips, data.round_trips, TRIPS_KEPT);
    return ['round-trips'];
  },
  profit(data, bot) {
    keep(bot.profit, data.profit, PROFIT_KEPT);
    return ['profit'];
  },
  stats(data, bot) {
    bot.stats = data.stats;
    return ['stats'];
  },
  price(data, bot) {
    bot.price = data.price;
    keep(bot.prices, [{ at: data.price.at, price: data.price.price }], PRICES_KEPT);
    return ['price'];
  },
  story(data, bot) {
    keep(bot.story, data.story, STORY_KEPT);
    return ['story'];
  },
  gone(data) {
    model.gone = data.bot;
    return ['bot'];
  },
  trouble(data) {
    model.trouble = data;
    return ['connection'];
  },
  recovered() {
    model.trouble = null;
    return ['connection'];
  },
};

const WHOLE = new Set(['overview', 'state', 'bots', 'bot', 'gone', 'trouble', 'recovered']);

/**
 * Takes in one event of the server. One of a kind that is not known is of a newer server and is passed over.
 * @param {string} event
 * @param {object} data
 */
export function take(event, data) {
  const handler = handlers[event];
  if (!handler) return;
  if (!WHOLE.has(event) && model.bot?.bot.bot !== data.bot) return;
  changed(...handler(data, model.bot));
}

/**
 * Takes note of how the connection stands.
 * @param {'connecting'|'live'|'lost'|'refused'} state
 * @param {string} why
 */
export function setConnection(state, why) {
  model.connection = state;
  model.why = why;
  if (state === 'live') model.trouble = null;
  changed('connection');
}
