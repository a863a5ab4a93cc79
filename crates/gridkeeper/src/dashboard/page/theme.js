// Light or dark: as the system says, until the viewer chooses.

const KEY = 'gridkeeper-theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set();
const colours = new Map();

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // Storage is off: the choice lasts as long as the page.
  }
}

let chosen = stored();

/** @returns {'light'|'dark'} what is shown */
export function theme() {
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return system.matches ? 'dark' : 'light';
}

/**
 * Tells of each change, and once now.
 * @param {(theme: 'light'|'dark') => void} listener
 * @returns {() => void} ends it
 */
export function onTheme(listener) {
  listeners.add(listener);
  listener(theme());
  return () => listeners.delete(listener);
}

function apply() {
  colours.clear();
  document.documentElement.dataset.theme = theme();
  for (const listener of listeners) listener(theme());
}

/** Switches to the other one, and keeps that. */
export function switchTheme() {
  chosen = theme() === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // As above.
  }
  apply();
}

/**
 * A colour of the style sheet, for what is drawn on a canvas.
 * @param {string} name such as `--buy`
 * @returns {string}
 */
export function colour(name) {
  let value = colours.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    // Before the style sheet has come there is none yet.
    if (value !== '') colours.set(name, value);
  }
  return value;
}

system.addEventListener('change', apply);
apply();
