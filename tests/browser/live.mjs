// A grid that trades while somebody looks.

import assert from 'node:assert/strict';

import { Watched } from './browser.mjs';

/** What one row of a table says, by the titles of its columns. */
export async function rowOf(page, table, first) {
  return page.locator(`table.${table} tbody tr`).evaluateAll((rows, text) => {
    const row = rows.find((one) => one.cells[0].innerText.trim() === text);
    return row ? Object.fromEntries([...row.cells].map((cell) => [cell.dataset.label, cell.innerText.trim()])) : null;
  }, first);
}

/** The order that sells next: the level's BUY after it rests, as the market is just above that. */
export function nextSell(levels) {
  return levels.find((one) => one.order?.side === 'SELL' && one.state === 'open');
}

/** Leads the market to just above the middle line, with the level above it filled. */
export async function settle({ keeper, exchange, bot }) {
  await exchange.trade(59990);
  await exchange.trade(60010);
  await keeper.until(`/api/bots/${bot}`, 'settled grid', ({ levels }) => nextSell(levels)?.order.price === '60200' && levels.every((one) => one.state === 'open'));
}

export const live = {
  async 'the first page says in words that all is well, and what each bot earns'({ keeper, bot }) {
    const watched = await Watched.open(keeper.address());
    await watched.says('#connection', /live/);
    await watched.says('#health', /^✓/);
    // The first sign of life comes some seconds after the start.
    await watched.says('table.bots td', /^Heartbeat[\s\S]*ago$|^\d+ s ago$/);
    const row = await rowOf(watched.page, 'bots', bot);
    assert.equal(row.Symbol, 'BTCUSDT');
    assert.match(row.Status, /running/);
    assert.equal(row.Open, '10 of 10');
    assert.equal(row.Owed, '0');
    assert.match(row.Heartbeat, /^\d+ (s|min) ago$/);
    await watched.close();
  },

  async 'a fill, the order that follows and the round trip appear by themselves'({ keeper, exchange, bot }) {
    const watched = await Watched.open(keeper.address(`#/bot/${bot}`));
    await watched.says('table.ladder', /59800/);
    assert.match((await rowOf(watched.page, 'ladder', '4')).Order, /BUY 0\.001 @ 59800/);
    await exchange.trade(59790);
    await watched.says('.flow li', /level 4\s*▲\s*BUY 0\.001 @ 59800/);
    await watched.says('table.ladder tr', /SELL 0\.00099\d* @ 60000/);
    const flow = await watched.says('.flow li', /level 4\s*▲\s*BUY[\s\S]*accepted/);
    assert.match(flow, /→\s*▼\s*SELL/, 'the order that followed');
    assert.match(flow, /by stream/);
    for (const step of ['heard', 'decided', 'sent', 'accepted']) assert.match(flow, new RegExp(`${step} -?[\\d.]+ m?s`), step);
    await exchange.trade(60010);
    await watched.says('table.ladder tr', /^4[\s\S]*BUY 0\.001 @ 59800/);
    await watched.says('table.trips tr', /59\.8/);
    const { bot: row, fills_total: total } = await keeper.get(`/api/bots/${bot}`);
    assert.equal(row.round_trips, 1);
    await watched.says('.figures div', new RegExp(`Earned after fees\\s*\\+${row.realized.replace('.', '\\.')} USDT`));
    await watched.says('.figures div', /Round trips\s*1$/);
    assert.ok(total >= 2);
    await watched.says('.profit .reading', /earned after fees; 1 whole round trip;/);
    await watched.says('.latencies', /p50\s+\d/);
    await watched.close();
  },

  async 'rows are reached and opened with the keyboard, Escape goes back'({ keeper, bot }) {
    const watched = await Watched.open(keeper.address());
    const { page } = watched;
    const link = page.locator('table.bots a').filter({ hasText: bot });
    await link.focus();
    const outline = await link.evaluate((node) => getComputedStyle(node).outlineStyle);
    assert.equal(outline, 'solid', 'focus is seen');
    await page.keyboard.press('Enter');
    await watched.says('table.ladder', /59800/);
    await page.locator('table.ladder a').first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await watched.says('h1', /BTCUSDT, level 7/);
    await page.keyboard.press('Escape');
    await watched.says('table.ladder', /59800/);
    await page.keyboard.press('Escape');
    await watched.says('table.bots', bot);
    await watched.close();
  },
};
