// Pictures of every page, in light, dark and on a phone: `cargo xtask screenshots`. A grid trades for a while first, and a
// second bot has too little money.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { endBrowser, Watched } from './browser.mjs';
import { Exchange, Keeper } from './processes.mjs';

const folder = join(process.env.BROWSER_TARGET, 'screenshots');
mkdirSync(folder, { recursive: true });

const FORMS = {
  light: { viewport: { width: 1440, height: 900 }, colorScheme: 'light' },
  dark: { viewport: { width: 1440, height: 900 }, colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: 'light', isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
  'phone-dark': { viewport: { width: 390, height: 844 }, colorScheme: 'dark', isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
};

/** So many round trips make a page worth looking at. */
const TRIPS = 12;

async function scene() {
  const exchange = await Exchange.start(['--seed', '7', '--speed', '8']);
  await exchange.liftLimits();
  const keeper = new Keeper(exchange);
  keeper.addAccount();
  const key = `${exchange.key}OfTheSecond`;
  await exchange.tell('account', { do: 'open', account: {
    name: 'second', keys: [{ key, secret: { hmac: exchange.secret } }],
    balances: { USDT: { free: '420', locked: '0' }, BTC: { free: '0', locked: '0' } },
  } });
  keeper.addAccount('second', key);
  const bot = keeper.createBot({ lower: '58600', upper: '61400', spacing: 'geometric:20', size: 'base:0.002' });
  await keeper.up();
  const watcher = await Watched.open(keeper.address(`#/bot/${bot}`));
  await keeper.until(`/api/bots/${bot}`, 'whole grid', (answer) => answer.bot.levels.open === answer.bot.levels.all);
  const poor = keeper.createBot({ account: 'second', lower: '59000', upper: '61000', spacing: 'arithmetic:12', size: 'base:0.001' });
  let enough = false;
  while (!enough) {
    enough = await keeper.until(`/api/bots/${bot}`, 'round trip', (answer) => answer.bot.round_trips >= TRIPS).then(() => true, () => false);
  }
  await watcher.close();
  const { levels } = await keeper.get(`/api/bots/${poor}`);
  const refused = levels.find((level) => level.state === 'refused') ?? levels[0];
  const { round_trips: trips } = await keeper.get(`/api/bots/${bot}`);
  return { exchange, keeper, views: {
    overview: '#/', bot: `#/bot/${bot}`, 'bot-without-money': `#/bot/${poor}`, level: `#/bot/${bot}/${trips.at(-1).level}`, 'level-refused': `#/bot/${poor}/${refused.level}`,
  } };
}

const { exchange, keeper, views } = await scene();
for (const [form, options] of Object.entries(FORMS)) {
  const watched = await Watched.open(keeper.address(), options);
  for (const [name, hash] of Object.entries(views)) {
    await watched.page.goto(keeper.address(hash));
    await watched.says('#connection', /live/);
    await watched.page.locator(hash.split('/').length > 3 ? '.story > li' : 'main tbody tr').first().waitFor();
    await watched.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 600)));
    await watched.page.screenshot({ path: join(folder, `${name}-${form}.png`) });
    await watched.page.screenshot({ path: join(folder, `${name}-${form}-whole.png`), fullPage: true });
    if (name === 'bot') {
      await watched.page.locator('[data-action="stop_and_sell"]').click();
      await watched.page.screenshot({ path: join(folder, `dialog-${form}.png`) });
      await watched.page.keyboard.press('Escape');
    }
  }
  await watched.close();
}
await endBrowser();
await keeper.process.kill('SIGTERM');
await exchange.process.kill();
console.log(`pictures are in ${folder}`);
