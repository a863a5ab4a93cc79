// Light and dark, wide and narrow.

import assert from 'node:assert/strict';

import { Watched } from './browser.mjs';

/** How well colours of text are told from what is behind them (WCAG 2). */
function contrasts() {
  const style = getComputedStyle(document.documentElement);
  const light = (name) => {
    const hex = style.getPropertyValue(name).trim();
    const [red, green, blue] = [1, 3, 5].map((from) => {
      const part = parseInt(hex.slice(from, from + 2), 16) / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const pairs = ['--text', '--muted', '--buy', '--sell', '--warn', '--bad'].flatMap((text) => ['--panel', '--page', '--raised'].map((back) => [text, back]));
  pairs.push(['--warn', '--warn-soft'], ['--bad', '--bad-soft'], ['--buy', '--buy-soft'], ['--muted', '--warn-soft'], ['--text', '--buy-soft']);
  return pairs.map(([text, back]) => {
    const [high, low] = [light(text), light(back)].sort((a, b) => b - a);
    return [`${text} on ${back}`, (high + 0.05) / (low + 0.05)];
  });
}

const brightness = () => {
  const [red, green, blue] = getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g).map(Number);
  return (red + green + blue) / 3;
};

async function views({ keeper, bot }) {
  const { levels } = await keeper.get(`/api/bots/${bot}`);
  return ['#/', `#/bot/${bot}`, `#/bot/${bot}/${levels[3].level}`];
}

export const appearance = {
  async 'dark as the system is, light as the viewer chooses, and kept'({ keeper, bot }) {
    const watched = await Watched.open(keeper.address(`#/bot/${bot}`), { colorScheme: 'dark' });
    const { page } = watched;
    await watched.says('table.ladder', /59800/);
    assert.ok((await page.evaluate(brightness)) < 60, 'dark');
    for (const [pair, ratio] of await page.evaluate(contrasts)) assert.ok(ratio >= 4.5, `dark: ${pair} ${ratio.toFixed(2)}`);
    await page.getByRole('button', { name: 'Light', exact: true }).click();
    assert.ok((await page.evaluate(brightness)) > 200, 'light');
    for (const [pair, ratio] of await page.evaluate(contrasts)) assert.ok(ratio >= 4.5, `light: ${pair} ${ratio.toFixed(2)}`);
    await page.reload();
    await watched.says('table.ladder', /59800/);
    assert.ok((await page.evaluate(brightness)) > 200, 'still light');
    await watched.close();
  },

  async 'a phone shows everything without scrolling sideways'(scene) {
    const { keeper } = scene;
    const watched = await Watched.open(keeper.address(), { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    for (const hash of await views(scene)) {
      await watched.page.goto(keeper.address(hash));
      await watched.says('#connection', /live/);
      await watched.page.locator('main .panel').first().waitFor();
      assert.equal(await watched.isWide(), false, `${hash} fits`);
      const cut = await watched.page.evaluate(() => [...document.querySelectorAll('main .rows td, .figures dd, .facts dd, button')]
        .filter((node) => node.offsetParent !== null && (node.getBoundingClientRect().right > innerWidth + 1 || node.scrollWidth > node.clientWidth + 1))
        .map((node) => node.innerText));
      assert.deepEqual(cut, [], `${hash}: nothing is cut off`);
      const small = await watched.page.evaluate(() => [...document.querySelectorAll('main .actions button')]
        .filter((node) => node.offsetParent !== null && node.getBoundingClientRect().height < 36).map((node) => node.innerText));
      assert.deepEqual(small, [], 'buttons are large enough for a finger');
    }
    await watched.close();
  },

  async 'times are in the zone of the viewer, which is named'({ keeper, bot }) {
    const watched = await Watched.open(keeper.address(`#/bot/${bot}`), { timezoneId: 'Asia/Kathmandu' });
    await watched.says('.zone', /Asia\/Kat\w+ \(UTC\+05:45\)/);
    const { flow } = await keeper.get(`/api/bots/${bot}`);
    const there = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Kathmandu', hour: '2-digit', minute: '2-digit', second: '2-digit' });
    await watched.says('.flow li:first-child time', new RegExp(`^${there.format(flow.at(-1).traded_at)}$`));
    // What the server says in words names times too.
    await watched.page.goto(keeper.address(`#/bot/${bot}/4`));
    const facts = await watched.says('.facts', /compared with the exchange/);
    assert.doesNotMatch(facts, /UTC/);
    await watched.close();
  },
};
