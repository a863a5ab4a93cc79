// The page: its header, and which view the address asks for. `#/` lists the bots, `#/bot/ID` shows one, `#/bot/ID/7` a
// level of it.

import { el, setAttribute, setText } from './dom.js';
import { onFrame } from './frame.js';
import { zoneName } from './format.js';
import { ofHealth } from './marks.js';
import { changed, forgetBot, listen, model, setConnection, take } from './model.js';
import { Stream } from './stream.js';
import { onTheme, switchTheme } from './theme.js';
import { overview } from './overview.js';
import { botView } from './bot.js';
import { levelView } from './level.js';

const view = document.getElementById('view');
const stream = new Stream(take, setConnection);

/** What is shown now: its address, the bot it watches, and how to end it. */
let shown = { hash: null, bot: undefined, end: () => {} };

function parse(hash) {
  const [kind, bot, level] = hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent);
  if (kind !== 'bot' || !bot) return { bot: null, level: null };
  return { bot, level: /^\d+$/.test(level ?? '') ? Number(level) : null };
}

function route() {
  const { bot, level } = parse(location.hash);
  shown.end();
  if (bot !== shown.bot) {
    forgetBot();
    stream.watch(bot);
  }
  const root = el('div');
  let end;
  if (bot === null) end = overview(root);
  else if (level === null) end = botView(root, bot);
  else end = levelView(root, bot, level);
  view.replaceChildren(root);
  const first = shown.hash === null;
  shown = { hash: location.hash, bot, end };
  if (!first) {
    scrollTo(0, 0);
    view.focus({ preventScroll: true });
  }
  changed('bot', 'bots');
}

/** Escape goes one step up: from a level to its bot, from a bot to all. A dialog closes by itself. */
function stepUp(event) {
  if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open]')) return;
  const { bot, level } = parse(location.hash);
  if (level !== null) location.hash = `#/bot/${encodeURIComponent(bot)}`;
  else if (bot !== null) location.hash = '#/';
}

const health = document.getElementById('health');
const healthShape = el('span', { class: 'shape', 'aria-hidden': 'true' });
const healthWords = el('span', { text: 'Loading…' });
health.replaceChildren(healthShape, healthWords);

function showHealth() {
  if (!model.health) return;
  const known = model.connection === 'live' && !model.trouble;
  const [shape, tone] = known ? ofHealth(model.health) : ['?', 'wait'];
  setText(healthShape, shape);
  setText(healthWords, known ? model.health.line : `Not known now. When last heard: ${model.health.line}`);
  setAttribute(health, 'data-tone', tone);
  document.title = model.health.state === 'well' && known ? 'Gridkeeper' : `(${shape}) Gridkeeper`;
}

const connection = document.getElementById('connection');
const lost = document.getElementById('lost');

function lostWords() {
  if (model.connection === 'lost') return 'Connection lost, trying again. What is shown is as it was when last heard.';
  if (model.connection === 'refused') {
    return `The server refuses this page: ${model.why}. Open the address that \`gridkeeper up\` prints now.`;
  }
  if (model.trouble) return `${model.trouble.error}${model.trouble.mend ? `; ${model.trouble.mend}` : ''}`;
  return '';
}

function showConnection() {
  const words = lostWords();
  const [shape, text, tone] = {
    live: ['●', model.trouble ? 'live, but behind' : 'live', model.trouble ? 'wait' : 'good'],
    connecting: ['◔', 'connecting', 'wait'],
    lost: ['✕', 'connection lost', 'bad'],
    refused: ['✕', 'refused', 'bad'],
  }[model.connection];
  setText(connection, `${shape} ${text}`);
  setAttribute(connection, 'data-tone', tone);
  setText(lost, words);
  lost.hidden = words === '';
  document.body.classList.toggle('behind', words !== '');
}

const theme = document.getElementById('theme');
theme.addEventListener('click', switchTheme);
onTheme((now) => setText(theme, now === 'dark' ? 'Light' : 'Dark'));
for (const zone of document.querySelectorAll('.zone')) setText(zone, `Times in ${zoneName()}`);
listen(['connection', 'state'], showConnection);
listen(['connection', 'state'], showHealth);
addEventListener('hashchange', route);
addEventListener('keydown', stepUp);
onFrame(showConnection);
route();
