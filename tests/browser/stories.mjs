// Why a level has no order, and what became of a fill that no stream told of.

import assert from 'node:assert/strict';

import { Watched } from './browser.mjs';
import { rowOf } from './live.mjs';

/** Asks for an action by its button, agrees, and waits for the answer. */
export async function confirm(watched, action) {
  const { page } = watched;
  await page.locator(`[data-action="${action}"]`).click();
  const dialog = page.locator('dialog[open]');
  await dialog.locator('.buttons button').last().click();
  await dialog.locator('.result[data-tone]').waitFor();
  const said = await dialog.locator('.result').innerText();
  const tone = await dialog.locator('.result').getAttribute('data-tone');
  await dialog.getByRole('button', { name: /Close|Cancel/ }).click();
  await dialog.waitFor({ state: 'detached' });
  return { said, tone };
}

/** An account at the exchange with little money, and a bot on it that asks for more. */
async function poorBot({ keeper, exchange }) {
  const key = `${exchange.key}OfThePoor`;
  await exchange.tell('account', { do: 'open', account: {
    name: 'poor', keys: [{ key, secret: { hmac: exchange.secret } }],
    balances: { USDT: { free: '150', locked: '0' }, BTC: { free: '0', locked: '0' } },
  } });
  keeper.addAccount('poor', key);
  return keeper.createBot({ account: 'poor', lower: '58000', upper: '59000', spacing: 'arithmetic:5', size: 'base:0.001' });
}

export const stories = {
  async 'a level without an order says why, what comes next and what to do, and its story goes on once mended'(scene) {
    const { keeper, exchange } = scene;
    const bot = await poorBot(scene);
    const { levels } = await keeper.until(`/api/bots/${bot}`, 'refused level', ({ levels: all }) => all.some((level) => level.state === 'refused'));
    const refused = levels.find((level) => level.state === 'refused');
    const watched = await Watched.open(keeper.address());
    await watched.says('#health', /^[!⚠].*(owed|not placed)/i);
    await watched.says('.worries', new RegExp(bot));
    assert.match((await rowOf(watched.page, 'bots', bot)).Owed, /!\s*\d/);
    assert.doesNotMatch(await watched.page.locator('.worries').innerText(), /gridkeeper explain/, 'the page has it itself');
    await watched.page.locator('.worries a', { hasText: bot }).first().click();
    await watched.says('table.ladder tr', /refused/);
    await watched.says('.worries li', /Levels? \d.*balance is too small.*You can: .*deposit/s);
    const row = await rowOf(watched.page, 'ladder', String(refused.level));
    assert.match(row.State, /✕\s*refused/);
    assert.match(row.Why, /balance/);
    await watched.page.locator('.worries a', { hasText: new RegExp(`^${refused.level}$`) }).click();
    await watched.says('.facts', /What comes next\s*it is tried again/);
    await watched.says('.facts', /You can\s*\S/);
    await watched.says('.story', /balance is too small/);
    await exchange.tell('account', { do: 'funds', account: 'poor', asset: 'USDT', amount: '1000' });
    await watched.page.keyboard.press('Escape');
    const { tone } = await confirm(watched, 'recover');
    assert.equal(tone, 'good');
    await watched.says('.figures div', /Orders in the market\s*5 of 5/);
    await watched.page.goto(keeper.address(`#/bot/${bot}/${refused.level}`));
    await watched.says('.title .sign', /●\s*open/);
    const story = await watched.page.locator('.told').innerText();
    assert.match(story, /balance is too small/, 'what was is still told');
    await watched.page.goto(keeper.address());
    await watched.says('#health', /^✓/);
    await watched.close();
  },

  async 'a fill that no stream told of is found by recovery, and says so with its evidence'({ keeper, exchange, bot }) {
    const watched = await Watched.open(keeper.address(`#/bot/${bot}`));
    await watched.says('table.ladder', /59600/);
    const before = await keeper.get(`/api/bots/${bot}`);
    const { order } = before.levels.find((level) => level.level === 3);
    assert.equal(order.side, 'BUY');
    await exchange.tell('control', { do: 'inject', kind: 'event_lost', count: 1 });
    await exchange.tell('market', { do: 'fill', symbol: 'BTCUSDT', orderId: Number(order.exchange_order_id), trades: 1, quantity: null });
    assert.equal((await confirm(watched, 'recover')).tone, 'good');
    await watched.says('.flow li', /level 3\s*▲\s*BUY[\s\S]*by recovery/);
    await watched.page.locator('table.ladder a', { hasText: /^3$/ }).click();
    const line = await watched.says('.story > li', /learnt of by recovery/);
    const { fills } = await keeper.get(`/api/bots/${bot}/levels/3`);
    const fill = fills.find((one) => one.no === order.no);
    assert.equal(fill.source, 'recovery');
    assert.match(line, new RegExp(`trade ${fill.trade} of exchange order ${order.exchange_order_id} \\(number ${order.no}\\)`));
    assert.match(line, /traded \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}, received/);
    assert.match(line, /led to order number \d+: SELL/);
    await watched.close();
  },
};
