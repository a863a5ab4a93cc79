// Times, durations and amounts in words. Amounts come as text from the server and are shown as they came; they become
// numbers for drawing only.

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
// Sweden writes a date as ISO 8601 does, which nobody reads as another day.
const day = new Intl.DateTimeFormat('sv-SE', { year: 'numeric', month: '2-digit', day: '2-digit' });
const shortDay = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

/**
 * The viewer's time zone, with its distance from UTC now.
 * @param {Date} [now]
 * @returns {string} such as `Europe/Vienna (UTC+01:00)`
 */
export function zoneName(now = new Date()) {
  const east = -now.getTimezoneOffset();
  const pad = (value) => String(value).padStart(2, '0');
  const size = Math.abs(east);
  const offset = `UTC${east < 0 ? '−' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  return timeZone === 'UTC' ? 'UTC' : `${timeZone} (${offset})`;
}

/**
 * A time of day; with the date where it was not today.
 * @param {number|null|undefined} ms Unix time, ms
 * @param {number} [now]
 * @returns {string}
 */
export function time(ms, now = Date.now()) {
  if (ms === null || ms === undefined) return '–';
  const same = day.format(ms) === day.format(now);
  return same ? clock.format(ms) : `${shortDay.format(ms)} ${clock.format(ms)}`;
}

/**
 * A time to the millisecond, with the date.
 * @param {number} ms Unix time, ms
 * @returns {string}
 */
export function exactTime(ms) {
  const thousandths = String(((ms % 1000) + 1000) % 1000).padStart(3, '0');
  return `${day.format(ms)} ${clock.format(ms)}.${thousandths}`;
}

/**
 * How long something lasts, in its largest fitting units.
 * @param {number} ms
 * @returns {string} such as `12 s` or `3 h 05 min`
 */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  const two = (value) => String(value).padStart(2, '0');
  if (hours < 48) return `${hours} h ${two(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/**
 * A step's length.
 * @param {number|null|undefined} ms
 * @returns {string} such as `3.4 ms` or `1.20 s`
 */
export function milliseconds(ms) {
  if (ms === null || ms === undefined) return '–';
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  if (Number.isInteger(ms) || ms >= 100) return `${Math.round(ms)} ms`;
  return `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;
}

/** Averages may have more digits than any asset has; what is cut off is worth nothing. */
const DECIMALS = 8;

/** Cuts a text's decimals, without making it a number. */
function cut(text) {
  const point = text.indexOf('.');
  if (point < 0 || text.length - point - 1 <= DECIMALS) return text;
  const short = text.slice(0, point + 1 + DECIMALS).replace(/\.?0+$/, '');
  return short === '-0' ? '0' : short;
}

/**
 * An amount with its unit, as the server wrote it, with at most 8 decimals; a leading minus becomes the sign that lines
 * up with digits.
 * @param {string|null|undefined} amount
 * @param {string} [unit]
 * @returns {string}
 */
export function amount(amount, unit = '') {
  if (amount === null || amount === undefined || amount === '') return '–';
  const text = cut(String(amount)).replace(/^-/, '−');
  return unit ? `${text} ${unit}` : text;
}

/**
 * Whether an amount is above, below or at zero.
 * @param {string|null|undefined} amount
 * @returns {'gain'|'loss'|'even'}
 */
export function direction(amount) {
  const value = Number(amount);
  if (value > 0) return 'gain';
  return value < 0 ? 'loss' : 'even';
}

/**
 * A count with its word.
 * @param {number} number
 * @param {string} one
 * @param {string} [many]
 * @returns {string}
 */
export function count(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`;
}

const UTC_TIME = /\b(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)? UTC\b/g;

/**
 * Words of the server with the times in them in the viewer's zone. The date is left out where it is today.
 * @param {string|null|undefined} words
 * @returns {string}
 */
export function inZone(words) {
  return (words ?? '').replace(UTC_TIME, (whole, date, clockTime) => {
    const ms = Date.parse(`${date}T${clockTime}Z`);
    return Number.isNaN(ms) ? whole : time(ms);
  });
}
