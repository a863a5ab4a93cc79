// Processes of a test: a simulated exchange, `gridkeeper up` over a data folder of its own, and the commands an operator
// types. Each is ended by its own id, however the run ends.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const GRIDKEEPER = process.env.BROWSER_GRIDKEEPER;

/** How long a process may take to say what it is to say. */
const PATIENCE_MS = 30_000;

const running = new Set();
const folders = new Set();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

// A signal would end this process without that.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

/** One process whose output is read line by line. */
class Running {
  constructor(args, env) {
    this.lines = [];
    this.errors = [];
    this.child = spawn(GRIDKEEPER, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this.child);
    this.ended = once(this.child, 'exit').then(() => running.delete(this.child));
    this.waiting = new Set();
    const hear = (from, to) => createInterface({ input: from }).on('line', (line) => {
      to.push(line);
      for (const wake of this.waiting) wake();
    });
    hear(this.child.stdout, this.lines);
    hear(this.child.stderr, this.errors);
  }

  /** Waits for a line of its output that matches, and gives the match. */
  async said(pattern) {
    const find = () => [...this.lines, ...this.errors].map((line) => line.match(pattern)).find(Boolean);
    return new Promise((resolve, reject) => {
      const give = (what, value) => {
        clearTimeout(timer);
        this.waiting.delete(look);
        what(value);
      };
      const all = () => [...this.lines, ...this.errors].join('\n');
      const timer = setTimeout(() => give(reject, new Error(`it does not say ${pattern}:\n${all()}`)), PATIENCE_MS);
      const look = () => {
        const found = find();
        if (found) give(resolve, found);
      };
      this.waiting.add(look);
      this.ended.then(() => {
        look();
        if (!find()) give(reject, new Error(`it ended before it said ${pattern}:\n${all()}`));
      });
      look();
    });
  }

  async kill(signal = 'SIGKILL') {
    this.child.kill(signal);
    await this.ended;
  }
}

/** A tape of two trades a year apart: prices stand still unless a test moves them. */
const STILL = '1,60000.00,0.00001,1,1,1767225600000,True,True\n2,60000.01,0.00001,2,2,1798761600000,True,True\n';

/** A simulated exchange in its own process. */
export class Exchange {
  /**
   * Starts one and waits until it says where it listens.
   * @param {string[]} [args] of `gridkeeper simulate-exchange`; prices stand still without any
   */
  static async start(args) {
    const folder = mkdtempSync(join(tmpdir(), 'gridkeeper-browser-'));
    folders.add(folder);
    const tape = join(folder, 'BTCUSDT-aggTrades-still.csv');
    writeFileSync(tape, STILL);
    const prices = args ?? ['--tape', tape];
    const exchange = new Exchange();
    exchange.process = new Running(['simulate-exchange', '--listen', '127.0.0.1:0', ...prices], { PATH: process.env.PATH });
    exchange.rest = (await exchange.process.said(/GRIDKEEPER_BINANCE_REST=(\S+)/))[1];
    exchange.ws = (await exchange.process.said(/GRIDKEEPER_BINANCE_WS=(\S+)/))[1];
    exchange.secret = (await exchange.process.said(/GRIDKEEPER_TRADE_SECRET=(\S+)/))[1];
    exchange.key = (await exchange.process.said(/has the key (\S+)/))[1];
    await exchange.process.said(/prices start/);
    return exchange;
  }

  /** A command to it: `what` is control, market or account. */
  async tell(what, command) {
    const reply = await fetch(`${this.rest}/sim/${what}`, { method: 'POST', body: JSON.stringify(command) });
    const text = await reply.text();
    if (!reply.ok) throw new Error(`${what} ${JSON.stringify(command)}: ${text}`);
    return JSON.parse(text);
  }

  /** A trade in the outside market: it fills what rests at that price or better. */
  async trade(price, quantity = '10') {
    await this.tell('market', { do: 'print', symbol: 'BTCUSDT', price: String(price), quantity });
  }

  /** Limits so high that nothing is paced. */
  async liftLimits() {
    const most = 1_000_000_000;
    await this.tell('control', { do: 'limits', limits: {
      lifted: true, weightPerMinute: most, requestsPerFiveMinutes: most, ordersPerTenSeconds: most, ordersPerDay: most, connectionsPerFiveMinutes: most,
    } });
  }

  async stats() {
    return (await fetch(`${this.rest}/sim/stats`)).json();
  }
}

/** `gridkeeper up` over a data folder, and commands beside it. */
export class Keeper {
  /** @param {Exchange} exchange */
  constructor(exchange) {
    this.exchange = exchange;
    this.data = mkdtempSync(join(tmpdir(), 'gridkeeper-browser-'));
    folders.add(this.data);
    this.env = {
      PATH: process.env.PATH,
      HOME: this.data,
      GRIDKEEPER_BINANCE_REST: exchange.rest,
      GRIDKEEPER_BINANCE_WS: exchange.ws,
      GRIDKEEPER_TRADE_SECRET: exchange.secret,
    };
    this.port = '0';
  }

  /** Carries out an operator's command; its answer. */
  command(...args) {
    const done = spawnSync(GRIDKEEPER, ['--data', this.data, '--json', ...args], { env: this.env, encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`gridkeeper ${args.join(' ')} ended with ${done.status}:\n${done.stdout}${done.stderr}`);
    const lines = done.stdout.trim().split('\n');
    // Some say beside the answer what was checked.
    const json = lines.findIndex((line) => /^[[{]/.test(line));
    return json < 0 ? lines : JSON.parse(lines.slice(json).join('\n'));
  }

  /** Adds the exchange's own account. */
  addAccount(name = 'main', key = this.exchange.key) {
    this.command('account', 'add', name, '--key', key);
  }

  /** Creates a bot, started; its id. */
  createBot({ account = 'main', lower = '59000', upper = '61000', spacing = 'arithmetic:10', size = 'base:0.001' } = {}) {
    const created = this.command('bot', 'create', '--account', account, '--symbol', 'BTCUSDT', '--lower', lower, '--upper', upper,
      '--spacing', spacing, '--size', size, '--start');
    return created.bot;
  }

  /** Starts `up`, on the same port as before if there was one. Sets `origin` and `token`. */
  async up() {
    this.process = new Running(['--data', this.data, 'up', '--dashboard', `127.0.0.1:${this.port}`], this.env);
    const [, port, token] = await this.process.said(/http:\/\/127\.0\.0\.1:(\d+)\/\?token=([0-9a-f]+)/);
    this.port = port;
    this.token = token;
    this.origin = `http://127.0.0.1:${port}`;
  }

  /** The page's address. */
  address(hash = '#/') {
    return `${this.origin}/?token=${this.token}${hash}`;
  }

  /** What the server answers. */
  async get(path) {
    const reply = await fetch(`${this.origin}${path}`, { headers: { Authorization: `Bearer ${this.token}` } });
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
    return reply.json();
  }

  /** Waits until what the server answers is as wanted, and gives it. */
  async until(path, what, wanted) {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const answer = await this.get(path);
      if (wanted(answer)) return answer;
      if (Date.now() > end) throw new Error(`no ${what}: ${JSON.stringify(answer).slice(0, 2000)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
