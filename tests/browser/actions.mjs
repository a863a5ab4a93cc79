// Actions: nothing without a yes, and the answer in words.

import assert from 'node:assert/strict';

import { Watched } from './browser.mjs';
import { nextSell, rowOf, settle } from './live.mjs';
import { confirm } from './stories.mjs';

/** Counts requests that change something. */
function posts(watched) {
  const sent = [];
  watched.page.on('request', (request) => {
    if (request.method() === 'POST') sent.push(request.postData());
  });
  return sent;
}

/** A grid of four levels around the market. */
const SMALL = { lower: '59400', upper: '60600', spacing: 'arithmetic:4' };

export const actions = {
  async 'a question that is not agreed to does nothing'({ keeper, bot }) {
    const watched = await Watched.open(keeper.address(`#/bot/${bot}`));
    const sent = posts(watched);
    const dialog = watched.page.locator('dialog[open]');
    const before = await keeper.get(`/api/bots/${bot}`);
    for (const leave of [() => dialog.getByRole('button', { name: 'Cancel' }).click(), () => watched.page.keyboard.press('Escape')]) {
      await watched.page.locator('[data-action="stop_and_sell"]').click();
      assert.match(await dialog.innerText(), /everything it holds is sold/);
      await leave();
      await dialog.waitFor({ state: 'detached' });
    }
    // Escape closed the dialog, not the bot behind it.
    await watched.says('table.ladder', /59800/);
    // Whatever a click had asked for would be answered before this is.
    const after = await keeper.get(`/api/bots/${bot}`);
    assert.deepEqual(sent, []);
    assert.equal(after.bot.desired, 'running');
    assert.equal(after.bot.levels.open, before.bot.levels.open);
    await watched.close();
  },

  async 'pause holds the next order back, and resume places it'(scene) {
    const { keeper, exchange, bot } = scene;
    await settle(scene);
    const watched = await Watched.open(keeper.address(`#/bot/${bot}`));
    const sent = posts(watched);
    const paused = await confirm(watched, 'pause');
    assert.equal(paused.tone, 'good');
    assert.match(paused.said, /paused/);
    assert.deepEqual(sent, ['{"action":"pause"}']);
    await watched.says('.title .sign', /paused/);
    const { levels } = await keeper.until(`/api/bots/${bot}`, 'paused bot', (answer) => answer.bot.observed === 'paused');
    const { order, level } = nextSell(levels);
    await exchange.tell('market', { do: 'fill', symbol: 'BTCUSDT', orderId: Number(order.exchange_order_id), trades: 2, quantity: null });
    await watched.says('table.ladder tr', new RegExp(`^${level}\\s[\\s\\S]*held back`));
    assert.match((await rowOf(watched.page, 'ladder', String(level))).Why, /paused/);
    await watched.page.locator('table.ladder a', { hasText: new RegExp(`^${level}$`) }).click();
    await watched.says('.facts', /paused/);
    await watched.page.keyboard.press('Escape');
    assert.equal((await confirm(watched, 'resume')).tone, 'good');
    await watched.says('.title .sign', /running/);
    await watched.says('table.ladder tr', new RegExp(`^${level}\\s[\\s\\S]*BUY[\\s\\S]*open`));
    await watched.close();
  },

  async 'stop and sell takes the orders down and sells what is held'({ keeper }) {
    const bot = keeper.createBot(SMALL);
    await keeper.until(`/api/bots/${bot}`, 'whole grid', (answer) => answer.bot.levels.open === 4);
    const watched = await Watched.open(keeper.address(`#/bot/${bot}`));
    await watched.says('.figures div', /Orders in the market\s*4 of 4/);
    assert.equal((await confirm(watched, 'stop_and_sell')).tone, 'good');
    await watched.says('.title .sign', /■\s*stopped/);
    await watched.says('.figures div', /Orders in the market\s*0 of 4/);
    const { bot: row } = await keeper.get(`/api/bots/${bot}`);
    assert.ok(Number(row.held) < 0.0001, `sold but for what is less than a step a level: ${row.held}`);
    await watched.close();
  },

  async 'what cannot be done is refused in the words of the server'({ keeper }) {
    const bot = keeper.createBot(SMALL);
    const watched = await Watched.open(keeper.address(`#/bot/${bot}`));
    // Somebody else stops it while the question stands open.
    await watched.page.locator('[data-action="pause"]').click();
    keeper.command('bot', 'stop', bot);
    await keeper.until(`/api/bots/${bot}`, 'stopped bot', (answer) => answer.bot.observed === 'stopped');
    const dialog = watched.page.locator('dialog[open]');
    await dialog.locator('.buttons button').last().click();
    await dialog.locator('.result[data-tone="bad"]').waitFor();
    assert.match(await dialog.locator('.result').innerText(), /stopped/);
    await watched.page.keyboard.press('Escape');
    await watched.says('.title .sign', /■\s*stopped/);
    // The refusal is an error of HTTP, which the browser writes to its console.
    watched.errors = watched.errors.filter((text) => !/status of 4\d\d/.test(text));
    await watched.close();
  },
};
