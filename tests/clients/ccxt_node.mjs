// ccxt's JavaScript edition against the simulator: REST and, by its "pro" part, the stream. It is a client of its own:
// another runtime, another HTTP and WebSocket library, another JSON reader and other numbers than in Python.
//
// Prints one line for each operation of `operations.txt`, as `harness.py` says. Called with the folder that holds
// `node_modules`.

import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';

const ccxt = createRequire(path.join(path.resolve(process.argv[2]), 'package.json'))('ccxt');

const { SIMULATOR_REST: REST, SIMULATOR_WS: WEB_SOCKET, SIMULATOR_KEY: KEY, SIMULATOR_SECRET: SECRET } = process.env;
const STRANGE_KEY = 'strangeKeyThatOpensNothing' + '0'.repeat(38);
const MARKET = 'BTC/USDT';
const EVENT_MS = 10_000;

setTimeout(() => {
    console.error('gave up after 90 seconds');
    process.exit(1);
}, 90_000).unref();

function say(result, operation, reason = '') {
    console.log([result, operation, String(reason).split(/\s+/).join(' ')].join('\t'));
}

async function operation(name, run) {
    try {
        await run();
    } catch (error) {
        console.error(error);
        say('fail', name, `${error.constructor.name}: ${error.message}`);
        return;
    }
    say('pass', name);
}

function equal(found, expected, what) {
    const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
    if (left !== right) {
        throw new Error(`${what} is ${left}, expected ${right}`);
    }
}

function number(found, expected, what) {
    if (typeof found !== 'number' || found !== expected) {
        throw new Error(`${what} is ${JSON.stringify(found)}, expected ${expected}`);
    }
}

function timeMs(found, what) {
    if (!Number.isInteger(found) || found < 1_700_000_000_000 || found > 4_000_000_000_000) {
        throw new Error(`${what} is ${JSON.stringify(found)}, expected a time in milliseconds`);
    }
}

async function control(where, command) {
    const reply = await fetch(`${REST}/sim/${where}`, { method: 'POST', body: JSON.stringify(command) });
    if (!reply.ok) {
        throw new Error(`the simulator refused ${JSON.stringify(command)}: ${await reply.text()}`);
    }
}

const depth = (quantity) =>
    control('market', { do: 'outside', symbol: 'BTCUSDT', spreadTicks: 1, depth: quantity, maxTradeQuantity: null });
const fill = (orderId, trades) => control('market', { do: 'fill', symbol: 'BTCUSDT', orderId, trades });
const serverClock = (offsetMs) => control('control', { do: 'clock', offsetMs });

// Sends every address the library knows to the simulator, so that nothing can leave this machine.
function towardsSimulator(urls) {
    for (const [name, value] of Object.entries(urls)) {
        if (typeof value === 'object') {
            towardsSimulator(value);
        } else if (value.startsWith('ws')) {
            urls[name] = WEB_SOCKET;
        } else {
            urls[name] = `${REST}/${value.split('/').slice(3).join('/')}`;
        }
    }
}

// A client for spot alone: other markets, currencies and margin pairs are other APIs.
function client(apiKey = KEY, secret = SECRET) {
    const exchange = new ccxt.pro.binance({
        apiKey,
        secret,
        enableRateLimit: false,
        newUpdates: true,
        options: {
            defaultType: 'spot',
            fetchMarkets: { types: ['spot'] },
            fetchCurrencies: false,
            fetchMargins: false,
        },
    });
    towardsSimulator(exchange.urls.api);
    return exchange;
}

// What every unified order has.
function unified(order, expected) {
    const text = { timeInForce: 'GTC', postOnly: false, ...expected.text };
    for (const [name, value] of Object.entries({ symbol: MARKET, ...text })) {
        equal(order[name], value, name);
    }
    for (const [name, value] of Object.entries(expected.numbers)) {
        number(order[name], value, name);
    }
    timeMs(order.timestamp ?? order.lastUpdateTimestamp, 'timestamp');
    if (!/^[0-9]+$/.test(order.id)) {
        throw new Error(`id is ${JSON.stringify(order.id)}`);
    }
}

// The library has classes of its own for the kinds of refusals, and keeps the exchange's reply.
async function refused(exchange, call, expected, code, message) {
    let answer;
    try {
        answer = await call();
    } catch (error) {
        equal(error.constructor.name, expected, 'the class');
        const reply = JSON.parse(exchange.last_http_response);
        equal(reply.code, code, 'the code');
        if (!reply.msg.startsWith(message)) {
            throw new Error(`the message is ${JSON.stringify(reply.msg)}, expected ${JSON.stringify(message)}`);
        }
        return;
    }
    throw new Error(`answered ${JSON.stringify(answer)}, expected ${expected}`);
}

// Collects what a watch brings until a condition holds of all of it. The library changes an order in place when it
// hears of it again, hence the copies. Runs up to its first wait at once.
function updates(watch, until) {
    const collect = async () => {
        const seen = [];
        while (!until(seen)) {
            seen.push(...(await watch()).map((entry) => ({ ...entry })));
        }
        return seen;
    };
    return inTime(collect());
}

function inTime(promise) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error('no such event came')), EVENT_MS);
    });
    const first = Promise.race([promise, late]).finally(() => clearTimeout(timer));
    // Whoever waits for it later is told; until then nobody is.
    first.catch(() => {});
    return first;
}

async function marketsAndPrice(exchange) {
    await operation('markets', async () => {
        const market = (await exchange.loadMarkets())[MARKET];
        equal([market.id, market.base, market.quote], ['BTCUSDT', 'BTC', 'USDT'], 'the market');
        equal([market.active, market.spot, market.margin], [true, true, false], 'the flags');
        number(market.precision.price, 0.01, "the price's precision");
        number(market.precision.amount, 0.00001, "the amount's precision");
        number(market.limits.amount.min, 0.00001, 'the smallest amount');
        number(market.limits.price.max, 1_000_000, 'the highest price');
        number(market.limits.cost.min, 5, 'the smallest cost');
        number(market.limits.market.max, 9_000_000, 'the largest amount of a market order');
    });
    await operation('price', async () => {
        number((await exchange.fetchLastPrices([MARKET]))[MARKET].price, 60000, 'the last price');
        const book = (await exchange.fetchBidsAsks([MARKET]))[MARKET];
        number(book.bid, 59999.99, 'bid');
        number(book.ask, 60000.01, 'ask');
    });
    await operation('balances', async () => {
        const held = await exchange.fetchBalance();
        for (const [asset, amount] of [['USDT', 2_500_000], ['BTC', 41.66668], ['BNB', 100]]) {
            number(held[asset].free, amount, `free ${asset}`);
            number(held[asset].used, 0, `used ${asset}`);
            number(held[asset].total, amount, `total ${asset}`);
        }
    });
    await operation('stream: subscription', () => exchange.authenticate());
}

// A limit order that rests, is looked at, and fills in two trades.
async function restingOrder(exchange) {
    const text = { clientOrderId: 'own-1', side: 'buy', type: 'limit' };
    const open = {
        text: { ...text, status: 'open' },
        numbers: { price: 59000, amount: 0.002, filled: 0, remaining: 0.002, cost: 0 },
    };
    const closed = {
        text: { ...text, status: 'closed' },
        numbers: { price: 59000, amount: 0.002, filled: 0.002, remaining: 0, cost: 118, average: 59000 },
    };
    const orders = updates(() => exchange.watchOrders(MARKET), (seen) => seen.length >= 1);
    const balance = inTime(exchange.watchBalance());
    let placed = { id: '0' };
    await operation('limit order', async () => {
        placed = await exchange.createOrder(MARKET, 'limit', 'buy', 0.002, 59000, { newClientOrderId: 'own-1' });
        unified(placed, open);
        equal(placed.trades, [], 'trades');
    });
    await operation('stream: new order', async () => {
        const [event] = await orders;
        unified(event, open);
        equal(event.id, placed.id, 'id');
    });
    await operation('stream: balances', async () => {
        const held = (await balance).USDT;
        number(held.free, 2_499_882, 'free USDT');
        number(held.used, 118, 'used USDT');
    });
    await operation('open orders', async () => {
        const found = await exchange.fetchOpenOrders(MARKET);
        equal(found.length, 1, 'the number of open orders');
        unified(found[0], open);
    });
    await operation('order by id', async () => unified(await exchange.fetchOrder(placed.id, MARKET), open));
    const trades = updates(() => exchange.watchMyTrades(MARKET), (seen) => seen.length >= 2);
    const filled = updates(() => exchange.watchOrders(MARKET), (seen) => seen.at(-1)?.status === 'closed');
    // Both watches are under way once a request has gone there and back.
    await exchange.fetchTime();
    await fill(Number(placed.id), 2);
    await operation('stream: fills', async () => {
        const seen = await trades;
        equal(seen.map((trade) => trade.id), ['1', '2'], 'trade ids');
        for (const trade of seen) {
            equal([trade.order, trade.side, trade.takerOrMaker], [placed.id, 'buy', 'maker'], 'the trade');
            number(trade.price, 59000, 'price');
            number(trade.amount, 0.001, 'amount');
            number(trade.cost, 59, 'cost');
            equal([trade.fee.cost, trade.fee.currency], [0.000001, 'BTC'], 'the fee');
            timeMs(trade.timestamp, 'timestamp');
        }
        unified((await filled).at(-1), closed);
    });
    await operation('order by client id', async () => {
        const found = await exchange.fetchOrder('', MARKET, { clientOrderId: 'own-1' });
        unified(found, closed);
        equal(found.id, placed.id, 'id');
    });
}

// A post-only order that rests and is cancelled.
async function canceledOrder(exchange) {
    const text = { side: 'sell', type: 'limit', postOnly: true };
    const numbers = { price: 61000, amount: 0.001, filled: 0, remaining: 0.001, cost: 0 };
    let placed = { id: '0' };
    let canceled = { info: {} };
    await operation('post-only order', async () => {
        placed = await exchange.createOrder(MARKET, 'limit', 'sell', 0.001, 61000, {
            postOnly: true,
            newClientOrderId: 'own-2',
        });
        unified(placed, { text: { ...text, clientOrderId: 'own-2', status: 'open' }, numbers });
        equal(placed.info.type, 'LIMIT_MAKER', 'the type the exchange knows it by');
    });
    const orders = updates(() => exchange.watchOrders(MARKET), (seen) => seen.at(-1)?.status === 'canceled');
    await operation('cancel', async () => {
        canceled = await exchange.cancelOrder(placed.id, MARKET);
        unified(canceled, { text: { ...text, status: 'canceled' }, numbers });
        equal(canceled.info.origClientOrderId, 'own-2', 'origClientOrderId');
    });
    await operation('stream: cancel', async () => {
        const event = (await orders).at(-1);
        // Of the two ids of a cancel, the library takes the order's own. What it hears on the stream it does not
        // call post-only, whatever its type.
        const heard = { ...text, clientOrderId: 'own-2', status: 'canceled', postOnly: undefined };
        unified({ ...event, postOnly: undefined }, { text: heard, numbers });
        equal(event.info.o, 'LIMIT_MAKER', 'the type the exchange knows it by');
        equal(event.info.c, canceled.info.clientOrderId, "the cancel's own id");
    });
}

async function takingOrders(exchange) {
    await operation('market order', async () => {
        const sold = await exchange.createOrder(MARKET, 'market', 'sell', 0.001, undefined, {
            newClientOrderId: 'own-3',
        });
        unified(sold, {
            text: { clientOrderId: 'own-3', side: 'sell', type: 'market', status: 'closed' },
            numbers: { average: 59999.99, amount: 0.001, filled: 0.001, remaining: 0, cost: 59.99999 },
        });
        equal(sold.trades.map((trade) => trade.id), ['3'], 'trade ids');
        equal([sold.trades[0].fee.cost, sold.trades[0].fee.currency], [0.05999999, 'USDT'], "the trade's fee");
    });
    await depth('0.001');
    await operation('immediate-or-cancel order', async () => {
        const bought = await exchange.createOrder(MARKET, 'limit', 'buy', 0.003, 60100, {
            timeInForce: 'IOC',
            newClientOrderId: 'own-4',
        });
        unified(bought, {
            text: { clientOrderId: 'own-4', side: 'buy', type: 'limit', timeInForce: 'IOC', status: 'expired' },
            numbers: {
                price: 60100,
                average: 60000.01,
                amount: 0.003,
                filled: 0.001,
                remaining: 0.002,
                cost: 60.00001,
            },
        });
        equal(bought.trades.map((trade) => trade.id), ['4'], 'trade ids');
    });
    await depth(null);
}

async function lists(exchange) {
    await operation('all orders', async () => {
        const found = await exchange.fetchOrders(MARKET);
        equal(
            found.map((order) => [order.clientOrderId, order.status]),
            [['own-1', 'closed'], ['own-2', 'canceled'], ['own-3', 'closed'], ['own-4', 'expired']],
            'all orders',
        );
        number(found[3].filled, 0.001, 'filled');
    });
    await operation('trades page by page', async () => {
        const trades = [];
        for (let start = 0; ; ) {
            const page = await exchange.fetchMyTrades(MARKET, undefined, 3, { fromId: start });
            trades.push(...page);
            if (page.length < 3) {
                break;
            }
            start = Number(page.at(-1).id) + 1;
        }
        equal(trades.map((trade) => trade.id), ['1', '2', '3', '4'], 'trade ids');
        equal([trades[0].price, trades[0].cost, trades[0].fee.cost], [59000, 59, 0.000001], 'the first trade');
        equal([trades[0].side, trades[0].takerOrMaker], ['buy', 'maker'], "the first trade's sides");
        equal([trades[2].side, trades[2].takerOrMaker], ['sell', 'taker'], "the third trade's sides");
        timeMs(trades[0].timestamp, 'timestamp');
    });
}

async function errors(exchange) {
    const place = (amount, price, params = {}) => exchange.createOrder(MARKET, 'limit', 'buy', amount, price, params);
    const ofAnother = async (key, secret, ...expected) => {
        const another = client(key, secret);
        await refused(another, () => another.fetchBalance(), ...expected).finally(() => another.close());
    };
    const table = [
        ['error: bad signature (-1022)', () =>
            ofAnother(KEY, 'another', 'AuthenticationError', -1022, 'Signature for this request is not valid.')],
        ['error: unknown key (-2015)', () =>
            ofAnother(STRANGE_KEY, SECRET, 'AuthenticationError', -2015, 'Invalid API-key, IP, or permissions')],
        ['error: unknown order asked for (-2013)', () =>
            refused(exchange, () => exchange.fetchOrder('999', MARKET), 'OrderNotFound', -2013,
                'Order does not exist.')],
        ['error: unknown order cancelled (-2011)', () =>
            refused(exchange, () => exchange.cancelOrder('999', MARKET), 'OrderNotFound', -2011,
                'Unknown order sent.')],
        ['error: duplicate order (-2010)', async () => {
            const same = { newClientOrderId: 'own-5' };
            await place(0.001, 50000, same);
            await refused(exchange, () => place(0.001, 50000, same), 'InvalidOrder', -2010, 'Duplicate order sent.');
        }],
        ['error: insufficient balance (-2010)', () =>
            refused(exchange, () => place(50, 55000), 'InsufficientFunds', -2010, 'Account has insufficient balance')],
        ['error: would take (-2010)', () =>
            refused(exchange, () => place(0.001, 60100, { postOnly: true }), 'OrderImmediatelyFillable', -2010,
                'Order would immediately match and take.')],
        ['error: filter failure (-1013)', async () => {
            const name = 'Filter failure: PERCENT_PRICE_BY_SIDE';
            await refused(exchange, () => place(0.001, 600000), 'InvalidOrder', -1013, name);
            await refused(exchange, () => place(0.00001, 59000), 'BadRequest', -1013, 'Filter failure: NOTIONAL');
        }],
        ['error: unknown symbol (-1121)', () =>
            refused(exchange, () => exchange.publicGetTickerPrice({ symbol: 'NOPE' }), 'BadSymbol', -1121,
                'Invalid symbol.')],
        ['error: bad timestamp (-1021)', async () => {
            for (const offset of [60_000, -60_000]) {
                await serverClock(offset);
                const message = 'Timestamp for this request';
                await refused(exchange, () => exchange.fetchBalance(), 'InvalidNonce', -1021, message);
            }
            await serverClock(0);
        }],
    ];
    for (const [name, run] of table) {
        await operation(name, run);
    }
}

const exchange = client();
// The library wants this before it speaks to an address without TLS.
await exchange.loadHttpProxyAgent();
await marketsAndPrice(exchange);
await restingOrder(exchange);
say('absent', 'amend in place', 'not offered by this version: editOrder cancels and places anew');
await canceledOrder(exchange);
await takingOrders(exchange);
await lists(exchange);
await errors(exchange);
await exchange.close();
