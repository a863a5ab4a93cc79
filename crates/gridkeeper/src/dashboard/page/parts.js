// Parts that several views have.

import { el, setText } from './dom.js';
import { model } from './model.js';

/**
 * A part of the page with a heading.
 * @param {string} name its class, by which the style sheet places it
 * @param {string} title
 * @param {...(Node|null)} children
 * @returns {HTMLElement}
 */
export function panel(name, title, ...children) {
  const id = `title-${name}`;
  return el('section', { class: `panel ${name}`, 'aria-labelledby': id },
    el('header', {}, el('h2', { id, text: title })), ...children);
}

/**
 * The way back, step by step.
 * @param {Array<[string, string|null]>} steps words and where they lead; the last one is here
 * @returns {HTMLElement}
 */
export function crumbs(steps) {
  const items = steps.map(([text, href]) =>
    el('li', {}, href ? el('a', { href, text }) : el('span', { 'aria-current': 'page', text })));
  return el('nav', { class: 'crumbs', 'aria-label': 'where you are' }, el('ol', {}, ...items));
}

/**
 * Says that there is no such bot, or that it has not come yet; hides the rest meanwhile.
 * @param {string} id
 * @param {HTMLElement} notice
 * @param {HTMLElement} content
 * @returns {boolean} whether it has come
 */
export function showAbsence(id, notice, content) {
  const there = model.bot !== null && model.gone !== id;
  content.hidden = !there;
  notice.hidden = there;
  setText(notice, model.gone === id ? `There is no bot ${id}, or no more.` : 'Loading…');
  return there;
}
