// The dashboard as a browser shows it, over real processes. Run by `cargo xtask browser`.
//
// All tests share one exchange and one `up`, each with a bot or an account of its own where it changes them.

import test, { after, before } from 'node:test';

import { actions } from './actions.mjs';
import { appearance } from './appearance.mjs';
import { endBrowser } from './browser.mjs';
import { chart } from './chart.mjs';
import { guards } from './guards.mjs';
import { live } from './live.mjs';
import { Exchange, Keeper } from './processes.mjs';
import { restart } from './restart.mjs';
import { stories } from './stories.mjs';
import { units } from './units.mjs';

/** All of it together; a run that hangs ends with this. */
const LIMIT_MS = 170_000;

const watchdog = setTimeout(() => {
  console.error(`not done after ${LIMIT_MS / 1000} s: given up`);
  process.exit(1);
}, LIMIT_MS);

const scene = {};

before(async () => {
  scene.exchange = await Exchange.start();
  await scene.exchange.liftLimits();
  scene.keeper = new Keeper(scene.exchange);
  scene.keeper.addAccount();
  scene.bot = scene.keeper.createBot();
  await scene.keeper.up();
  await scene.keeper.until(`/api/bots/${scene.bot}`, 'whole grid', ({ bot }) => bot.levels.open === bot.levels.all);
});

after(async () => {
  await endBrowser();
  await scene.keeper?.process?.kill('SIGTERM');
  await scene.exchange?.process.kill();
  clearTimeout(watchdog);
});

for (const group of [units, live, chart, stories, actions, appearance, guards, restart]) {
  for (const [name, run] of Object.entries(group)) test(name, { timeout: 60_000 }, () => run(scene));
}
