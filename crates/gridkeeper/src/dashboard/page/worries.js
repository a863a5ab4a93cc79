// What is not well with a bot, why, and what to do: so that nobody has to look for it.

import { levelAddress } from './address.js';
import { el } from './dom.js';
import { inZone } from './format.js';

/** So many levels are named one by one. */
const NAMED = 12;

/**
 * Words of the command line without where it would send the reader: the page has that itself.
 * @param {string} line
 * @returns {string}
 */
export function onPage(line) {
  return line.replace(/\s*`gridkeeper explain [^`]+`[^.]*\.?/g, '').trim();
}

function links(bot, levels) {
  const named = levels.slice(0, NAMED).flatMap(({ level }, at) => [at > 0 ? ', ' : '', el('a', { href: levelAddress(bot, level), text: String(level) })]);
  const more = levels.length - NAMED;
  return [levels.length === 1 ? 'Level ' : 'Levels ', ...named, more > 0 ? ` and ${more} more` : ''];
}

/** The causes among levels that owe something or stand still, those of most levels first. */
function causes(bot, levels) {
  const byCause = new Map();
  for (const row of levels) {
    if (!row.owed && row.state !== 'quarantined') continue;
    // Numbers of the exchange's reply and of the order differ from level to level.
    const cause = row.words.replace(/ \(HTTP .*$/, '');
    byCause.set(cause, [...(byCause.get(cause) ?? []), row]);
  }
  return [...byCause].sort(([, a], [, b]) => b.length - a.length).map(([cause, rows]) => {
    // What one order needs is said of a single level only.
    const said = rows.length > 1 ? rows[0].remedy?.replace(/: this order needs .*$/, '') : rows[0].remedy;
    const remedy = said ? `. You can: ${inZone(said)}` : '';
    const text = `: ${inZone(cause)}${remedy}`;
    return {
      key: `${cause}|${remedy}|${rows.map(({ level }) => level)}`,
      nodes: () => [...links(bot, rows), text],
    };
  });
}

/**
 * What to show above a bot's figures; nothing while all is well.
 * @param {object} bot
 * @param {object[]} levels
 * @param {string[]} unreadable
 * @returns {Array<{key: string, nodes: () => Array<Node|string>}>}
 */
export function worriesOf(bot, levels, unreadable) {
  const said = [
    ...(bot.health.state === 'well' ? [] : bot.health.lines),
    ...(bot.orders.stopped ? [`orders: ${bot.orders.words}`] : []),
    ...unreadable,
  ].map((line) => ({ key: line, nodes: () => [onPage(inZone(line))] }));
  return said.length === 0 ? [] : [...said, ...causes(bot.bot, levels)];
}
