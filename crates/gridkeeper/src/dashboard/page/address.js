// Where views are, in the part of the address after `#`.

/**
 * The address of a bot.
 * @param {string} bot
 * @returns {string}
 */
export function botAddress(bot) {
  return `#/bot/${encodeURIComponent(bot)}`;
}

/**
 * The address of a level.
 * @param {string} bot
 * @param {number} level
 * @returns {string}
 */
export function levelAddress(bot, level) {
  return `#/bot/${encodeURIComponent(bot)}/${level}`;
}
