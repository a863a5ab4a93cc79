// A page left open while `up` is killed and started again.

import assert from 'node:assert/strict';

import { Watched } from './browser.mjs';
import { nextSell, rowOf, settle } from './live.mjs';

export const restart = {
  async 'a page left open over kill -9 says so, comes back by itself and shows what happened meanwhile'(scene) {
    const { keeper, exchange, bot } = scene;
    await settle(scene);
    const watched = await Watched.open(keeper.address(`#/bot/${bot}`));
    const { page } = watched;
    await watched.says('#connection', /live/);
    await watched.says('table.ladder', /59400/);
    await page.evaluate(() => { window.neverReloaded = true; });
    const before = await keeper.get(`/api/bots/${bot}`);
    const { order, level } = nextSell(before.levels);
    watched.expectsLoss = true;
    await keeper.process.kill();
    await watched.says('#lost', /Connection lost, trying again/);
    await watched.says('#connection', /connection lost/);
    assert.match(await page.locator('#health').innerText(), /Not known now/);
    // The market goes on while nobody listens.
    await exchange.tell('market', { do: 'fill', symbol: 'BTCUSDT', orderId: Number(order.exchange_order_id), trades: 1, quantity: null });
    await keeper.up();
    await watched.says('#connection', /● live/);
    await page.locator('#lost').waitFor({ state: 'hidden' });
    await watched.says('table.ladder tr', new RegExp(`^${level}\\s[\\s\\S]*BUY[\\s\\S]*open`));
    await watched.says('.flow li', new RegExp(`level ${level}\\s*▼\\s*SELL[\\s\\S]*by recovery`));
    const now = await keeper.until(`/api/bots/${bot}`, 'whole grid', (answer) => answer.bot.levels.open === 10);
    assert.equal(now.fills_total, before.fills_total + 1);
    await watched.says('.figures div', /Orders in the market\s*10 of 10/);
    const row = await rowOf(page, 'ladder', String(level));
    const own = now.levels.find((one) => one.level === level);
    assert.equal(row.Holds, own.held);
    await watched.says('.figures div', new RegExp(`Earned after fees\\s*\\+?${now.bot.realized.replace('-', '−').replace('.', '\\.')} USDT`));
    assert.equal(await page.evaluate(() => window.neverReloaded), true);
    await watched.close();
  },
};
