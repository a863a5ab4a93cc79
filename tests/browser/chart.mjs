// What is drawn on the canvas: the grid's orders, at their prices, in their colours.

import assert from 'node:assert/strict';

import { Watched } from './browser.mjs';

/** Rows of the chart's canvas, near its right edge, in the colour of buys or of sells; and where prices are drawn. */
function readChart(place, prices) {
  const canvases = [...place.querySelectorAll('canvas')];
  const widest = Math.max(...canvases.map((canvas) => canvas.width));
  const canvas = canvases.filter((one) => one.width === widest).sort((a, b) => b.height - a.height)[0];
  const ratio = canvas.height / canvas.getBoundingClientRect().height;
  const context = canvas.getContext('2d');
  const whole = context.getImageData(0, 0, canvas.width, canvas.height).data;
  let drawn = 0;
  for (let at = 3; at < whole.length; at += 4) if (whole[at] > 0) drawn += 1;
  const rgb = (name) => {
    const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    return [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16));
  };
  const colours = { BUY: rgb('--buy'), SELL: rgb('--sell') };
  // Where a strong line has neither words nor, for one that is dashed, always a gap.
  const columns = [...Array(14).keys()].map((step) => canvas.width - Math.round((100 - step) * ratio));
  const kinds = [];
  for (let y = 0; y < canvas.height; y += 1) {
    const is = (side) => columns.some((x) => {
      const at = (y * canvas.width + x) * 4;
      return whole[at + 3] > 200 && colours[side].every((part, nth) => Math.abs(part - whole[at + nth]) < 12);
    });
    kinds.push(is('BUY') ? 'BUY' : is('SELL') ? 'SELL' : null);
  }
  return { height: canvas.height, ratio, drawn, kinds, ys: prices.map((price) => place.yOf(price)) };
}

/** Middles of the runs of one colour that are as thin as a line, not as high as words. */
function lines(kinds, side) {
  const found = [];
  let from = null;
  kinds.concat(null).forEach((kind, y) => {
    if (kind === side && from === null) from = y;
    if (kind !== side && from !== null) {
      if (y - from <= 3) found.push((from + y - 1) / 2);
      from = null;
    }
  });
  return found;
}

export const chart = {
  async 'each open order is drawn at its price, in the colour of its side'({ keeper, bot }) {
    const watched = await Watched.open(keeper.address(`#/bot/${bot}`));
    await watched.says('.price .reading', /\d USDT/);
    await watched.page.getByRole('button', { name: 'Whole grid' }).click();
    const { levels } = await keeper.get(`/api/bots/${bot}`);
    const orders = levels.filter((level) => level.state === 'open').map((level) => level.order);
    assert.equal(orders.length, 10);
    const prices = orders.map((order) => order.price);
    const place = watched.page.locator('.price .canvas');
    // The scale is another only once the chart has drawn it.
    await watched.page.waitForFunction(([low, high]) => {
      const canvas = document.querySelector('.price .canvas');
      return canvas.yOf(low) < canvas.clientHeight && canvas.yOf(high) > 0;
    }, [Math.min(...prices), Math.max(...prices)]);
    await watched.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    const read = await place.evaluate(readChart, prices);
    assert.ok(read.drawn > 2000, `something is drawn: ${read.drawn} pixels`);
    for (const side of ['BUY', 'SELL']) {
      const wanted = orders.map((order, nth) => [order, read.ys[nth] * read.ratio]).filter(([order]) => order.side === side);
      const found = lines(read.kinds, side);
      for (const [order, y] of wanted) {
        assert.ok(found.some((line) => Math.abs(line - y) <= 2), `${side} at ${order.price} is drawn at ${y}: ${found}`);
      }
    }
    // Prices are drawn in proportion: twice the distance is twice as far.
    const [lowest, highest] = [Math.min(...prices), Math.max(...prices)];
    const yAt = (price) => read.ys[prices.findIndex((one) => Number(one) === price)];
    for (const price of prices.map(Number)) {
      const share = (price - lowest) / (highest - lowest);
      const expected = yAt(lowest) + share * (yAt(highest) - yAt(lowest));
      assert.ok(Math.abs(yAt(price) - expected) < 1, `${price} is in its place`);
    }
    await watched.close();
  },

  async 'a fill is marked on the chart, and says what it was'({ keeper, bot }) {
    const watched = await Watched.open(keeper.address(`#/bot/${bot}`));
    await watched.says('.price .reading', /\d USDT/);
    const { fills } = await keeper.get(`/api/bots/${bot}`);
    const fill = fills.at(-1);
    const place = watched.page.locator('.price .canvas');
    await place.scrollIntoViewIfNeeded();
    const box = await place.boundingBox();
    const y = await place.evaluate((node, price) => node.yOf(price), fill.price);
    // Marks are where time has them: the pointer looks along the price's line.
    for (let x = box.width - 60; x > 0; x -= 4) {
      await watched.page.mouse.move(box.x + x, box.y + y);
      const text = await watched.page.locator('.price .reading').innerText();
      if (text.startsWith(`level ${fill.level}: ${fill.side} ${fill.quantity} BTC`)) {
        await watched.close();
        return;
      }
    }
    assert.fail(`no mark of ${JSON.stringify(fill)}`);
  },
};
