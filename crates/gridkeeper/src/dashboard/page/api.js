// Asking the server. The token is part of the page's own address and goes nowhere else.

const token = new URLSearchParams(location.search).get('token') ?? '';

/** What the server said instead of an answer: what is wrong, where, and how to mend it. */
export class ServerError extends Error {
  /**
   * @param {{error: string, where?: string|null, mend?: string|null}} said
   * @param {number} status
   */
  constructor(said, status) {
    super(said.error);
    this.where = said.where ?? null;
    this.mend = said.mend ?? null;
    this.status = status;
  }
}

async function errorOf(response) {
  const text = await response.text();
  try {
    return new ServerError(JSON.parse(text), response.status);
  } catch {
    return new ServerError({ error: text || `the server answered ${response.status}` }, response.status);
  }
}

/**
 * Sends a request with the token.
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Response>} an answer that is none of an error
 * @throws {ServerError} what the server refused; `TypeError` when it was not reached
 */
export async function request(path, options = {}) {
  const headers = { ...options.headers, Authorization: `Bearer ${token}` };
  const response = await fetch(path, { ...options, headers, cache: 'no-store', redirect: 'error' });
  if (!response.ok) throw await errorOf(response);
  return response;
}

/**
 * One level with its story.
 * @param {string} bot
 * @param {number} level
 * @param {AbortSignal} signal
 * @returns {Promise<object>}
 */
export async function fetchLevel(bot, level, signal) {
  const response = await request(`/api/bots/${encodeURIComponent(bot)}/levels/${level}`, { signal });
  return response.json();
}

/**
 * Carries out an action.
 * @param {string} bot
 * @param {string} action
 * @returns {Promise<string[]>} what the command said
 */
export async function act(bot, action) {
  const response = await request(`/api/bots/${encodeURIComponent(bot)}/actions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ action }),
  });
  const { said } = await response.json();
  return said;
}

/**
 * The address of a file to download.
 * @param {string} name such as `fills.csv`
 * @param {string} bot
 * @returns {string}
 */
export function download(name, bot) {
  return `/api/export/${name}?${new URLSearchParams({ bot, token })}`;
}
