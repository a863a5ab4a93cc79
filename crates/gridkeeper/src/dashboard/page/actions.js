// What an operator may ask of a bot: each after a question, and with the answer in the server's own words.

import { act } from './api.js';
import { el, setText } from './dom.js';

const ACTIONS = {
  start: {
    label: 'Start', busy: 'Starting…', kind: 'main',
    what: 'Its first grid is laid: orders are placed at the exchange, and the first inventory is bought where the plan says so.',
  },
  resume: { label: 'Resume', busy: 'Resuming…', kind: 'main', what: 'Orders that were held back are placed again.' },
  pause: {
    label: 'Pause', busy: 'Pausing…',
    what: 'No new order is placed. Orders at the exchange stay there, and what they do is booked.',
  },
  stop: {
    label: 'Stop', busy: 'Stopping…', kind: 'danger',
    what: 'All its orders at the exchange are cancelled. What it holds stays in the account.',
  },
  stop_and_sell: {
    label: 'Stop and sell', busy: 'Stopping…', kind: 'danger',
    what: 'All its orders are cancelled, and everything it holds is sold at the market’s price now.',
  },
  recover: {
    label: 'Recover now', busy: 'Comparing…',
    what: 'The bot is compared with the exchange now, and what is missing is mended. It does so by itself every few seconds.',
  },
};

const ORDER = ['start', 'resume', 'pause', 'stop', 'stop_and_sell', 'recover'];

/** Asks, carries out, and shows what came of it, all in one dialog. */
function ask(bot, action) {
  const { label, what, busy, kind } = ACTIONS[action];
  const result = el('div', { class: 'result', role: 'status', 'aria-live': 'polite' });
  const go = el('button', { type: 'button', class: kind ?? 'main', text: label });
  const cancel = el('button', { type: 'button', text: 'Cancel' });
  const title = el('h2', { id: 'ask-title', text: `${label}: ${bot.symbol}, bot ${bot.bot}?` });
  const dialog = el('dialog', { 'aria-labelledby': 'ask-title', class: 'ask' },
    title,
    el('p', { text: what }),
    el('p', { class: 'muted', text: `It holds ${bot.held} ${bot.base} on account ${bot.account} (${bot.environment}), with ${bot.levels.open} of ${bot.levels.all} levels in the market.` }),
    result,
    el('div', { class: 'buttons' }, cancel, go));
  cancel.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => dialog.remove());
  go.addEventListener('click', async () => {
    go.disabled = true;
    setText(go, busy);
    try {
      const said = await act(bot.bot, action);
      result.replaceChildren(...said.map((line) => el('p', { text: line })));
      result.dataset.tone = 'good';
      go.remove();
      setText(cancel, 'Close');
    } catch (error) {
      const words = error.status ? error.message : `The server was not reached (${error.message}). Whether it heard is not known: look at the bot’s status.`;
      const mend = error.mend ? [el('p', { text: error.mend })] : [];
      result.replaceChildren(el('p', { text: error.where ? `${error.where}: ${words}` : words }), ...mend);
      result.dataset.tone = 'bad';
      setText(go, 'Try again');
      go.disabled = false;
    }
    cancel.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  cancel.focus();
}

/**
 * The buttons of what may be asked of a bot now.
 * @returns {{node: HTMLElement, show: (bot: object) => void}}
 */
export function actionButtons() {
  let shown = null;
  const buttons = new Map(ORDER.map((action) => {
    const { label, kind } = ACTIONS[action];
    const button = el('button', { type: 'button', class: kind, text: label, 'data-action': action });
    button.addEventListener('click', () => ask(shown, action));
    return [action, button];
  }));
  const node = el('div', { class: 'actions' }, ...buttons.values());
  return {
    node,
    show(bot) {
      shown = bot;
      for (const [action, button] of buttons) button.hidden = !bot.actions.includes(action);
    },
  };
}
