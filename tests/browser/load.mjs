// How the page and `up` bear 100 bots of 100 levels with about 50 fills a second: `cargo xtask browser load`.
//
// Says frame times in the browser, and how much of a core `up` uses with nobody looking, with the list of bots open, and
// with one bot open. Arguments: --bots N, --levels N, --seconds S, --gridkeeper PATH (such as a release build).

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { endBrowser, Watched } from './browser.mjs';

const { values } = parseArgs({ options: {
  bots: { type: 'string', default: '100' },
  levels: { type: 'string', default: '100' },
  seconds: { type: 'string', default: '30' },
  fills: { type: 'string', default: '50' },
  gridkeeper: { type: 'string' },
} });
if (values.gridkeeper) process.env.BROWSER_GRIDKEEPER = values.gridkeeper;
const { Exchange, Keeper } = await import('./processes.mjs');

const [BOTS, LEVELS, SECONDS, FILLS] = [values.bots, values.levels, values.seconds, values.fills].map(Number);

/** Between two prints of the market, ms. */
const PRINT_EVERY = 100;

/** The market's middle, and between two lines of one grid. */
const MIDDLE = 60_000;
const SPACING = 150;

/** Ticks of the kernel's clock in a second. */
const TICKS = 100;

function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Carries out a command, later where the limit of this address asks to wait. */
async function patiently(command) {
  for (;;) {
    try {
      return command();
    } catch (error) {
      const wait = error.message.match(/(?:again in|asks to wait) ([\d.]+)/);
      if (!wait) throw error;
      await new Promise((resolve) => setTimeout(resolve, Number(wait[1]) * 1000));
    }
  }
}

/** Each bot on an account of its own, its grid a little higher than the one before: prices cross lines one by one. */
async function founded() {
  const exchange = await Exchange.start();
  await exchange.liftLimits();
  const keeper = new Keeper(exchange);
  const ample = { free: '10000000', locked: '0' };
  await keeper.up();
  for (let nth = 0; nth < BOTS; nth += 1) {
    const name = `load-${nth}`;
    const key = `${exchange.key}Of${nth}`;
    await exchange.tell('account', { do: 'open', account: { name, keys: [{ key, secret: { hmac: exchange.secret } }], balances: { BTC: ample, USDT: ample } } });
    await patiently(() => keeper.addAccount(name, key));
    const lower = MIDDLE - Math.floor(LEVELS / 2) * SPACING + Math.round((nth * SPACING) / BOTS) + 1;
    await patiently(() => keeper.createBot({ account: name, lower: String(lower), upper: String(lower + LEVELS * SPACING), spacing: `arithmetic:${LEVELS}` }));
  }
  const isLaid = ({ bots }) => bots.length === BOTS && bots.every((bot) => bot.levels.open === bot.levels.all);
  for (;;) {
    const laid = await keeper.until('/api/overview', 'whole grids', isLaid).catch((error) => error);
    if (!(laid instanceof Error)) break;
    const { bots } = await keeper.get('/api/overview');
    console.log(`laying: ${bots.reduce((sum, bot) => sum + bot.levels.open, 0)} of ${BOTS * LEVELS} levels`);
  }
  return { exchange, keeper };
}

/** Prices go up and down so fast that about so many lines are crossed in a second. */
function trade(exchange) {
  const step = (SPACING * FILLS * PRINT_EVERY) / 1000 / BOTS;
  const reach = SPACING * 6;
  let [offset, way] = [0, 1];
  let stopped = false;
  const ended = (async () => {
    let due = Date.now();
    while (!stopped) {
      offset += way * step;
      if (Math.abs(offset) > reach) way = -Math.sign(offset);
      await exchange.trade((MIDDLE + offset).toFixed(2), '100');
      due += PRINT_EVERY;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - Date.now())));
    }
  })();
  return () => {
    stopped = true;
    return ended;
  };
}

/** The times between frames, ms, for a while. */
function frames(seconds) {
  return new Promise((resolve) => {
    const times = [];
    const first = performance.now();
    let last = first;
    const next = (now) => {
      times.push(now - last);
      last = now;
      if (now - first < seconds * 1000) requestAnimationFrame(next);
      else resolve(times.slice(1));
    };
    requestAnimationFrame(next);
  });
}

function spread(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(1);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms, of ${sorted.length} frames`;
}

async function measured(what, { exchange, keeper }, watch) {
  const pid = keeper.process.child.pid;
  const fillsBefore = (await exchange.stats()).counts.trades;
  const [cpu, start] = [cpuSeconds(pid), Date.now()];
  const times = await watch();
  const seconds = (Date.now() - start) / 1000;
  const share = ((cpuSeconds(pid) - cpu) / seconds) * 100;
  const fills = ((await exchange.stats()).counts.trades - fillsBefore) / seconds;
  console.log(`${what}: up uses ${share.toFixed(1)} % of a core at ${fills.toFixed(1)} fills a second${times ? `; frames ${spread(times)}` : ''}`);
}

const scene = await founded();
const { keeper, exchange } = scene;
const idle = () => new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
const onPage = async (hash) => {
  const watched = await Watched.open(keeper.address(hash));
  await watched.says('#connection', /live/);
  await watched.page.locator('main tbody tr').first().waitFor();
  return [watched, () => watched.page.evaluate(frames, SECONDS)];
};
const { bots } = await keeper.get('/api/overview');
const VIEWS = { 'list of bots open': '#/', 'one bot open': `#/bot/${bots[0].bot}` };

await measured('no trades, no page', scene, idle);
for (const [what, hash] of Object.entries(VIEWS)) {
  const [watched, watch] = await onPage(hash);
  await measured(`no trades, ${what}`, scene, watch);
  await watched.close();
}
const stop = trade(exchange);
await idle();
await measured('no page', scene, idle);
for (const [what, hash] of Object.entries(VIEWS)) {
  const [watched, watch] = await onPage(hash);
  await measured(what, scene, watch);
  await watched.close();
}
await stop();
await endBrowser();
await keeper.process.kill('SIGTERM');
await exchange.process.kill();
