"""ccxt's Python edition against the simulator: REST and, by its "pro" part, the stream.

ccxt turns the exchange's replies into its own unified structures, with numbers as floats. What it read is compared
after `Decimal(str(...))`; the exchange's own words are under `info`.
"""

import asyncio
import json

import ccxt
import ccxt.pro

import harness
from harness import Decimal, absent, decimal_text, equal, operation, raised_async, time_ms

MARKET = "BTC/USDT"


def towards_simulator(urls):
    """Sends every address the library knows to the simulator, so that nothing can leave this machine."""
    for name, value in urls.items():
        if isinstance(value, dict):
            towards_simulator(value)
        elif value.startswith("ws"):
            urls[name] = harness.WEB_SOCKET
        else:
            urls[name] = harness.REST + "/" + value.split("/", 3)[3]


def client(key=harness.KEY, secret=harness.SECRET):
    """A client for spot alone: other markets, currencies and margin pairs are other APIs."""
    exchange = ccxt.pro.binance(
        {
            "apiKey": key,
            "secret": secret,
            "enableRateLimit": False,
            "newUpdates": True,
            "options": {
                "defaultType": "spot",
                "fetchMarkets": {"types": ["spot"]},
                "fetchCurrencies": False,
                "fetchMargins": False,
            },
        }
    )
    towards_simulator(exchange.urls["api"])
    return exchange


def number(found, expected, what):
    """Fails unless a number is there and the expected one."""
    if isinstance(found, (str, bool)) or found is None or Decimal(str(found)) != Decimal(expected):
        raise AssertionError(f"{what} is {found!r}, expected {expected}")


def unified(order, **expected):
    """What every unified order has."""
    equal(order["symbol"], MARKET, "symbol")
    equal(order["clientOrderId"], expected["client_id"], "clientOrderId")
    equal(order["type"], expected["type"], "type")
    equal(order["side"], expected["side"], "side")
    equal(order["status"], expected["status"], "status")
    equal(order["timeInForce"], expected.get("tif", "GTC"), "timeInForce")
    equal(order["postOnly"], expected.get("post_only", False), "postOnly")
    number(order["price"], expected["price"], "price")
    number(order["amount"], expected["amount"], "amount")
    number(order["filled"], expected["filled"], "filled")
    number(order["remaining"], Decimal(expected["amount"]) - Decimal(expected["filled"]), "remaining")
    number(order["cost"], expected["cost"], "cost")
    time_ms(order["timestamp"], "timestamp")
    if not order["id"].isdigit():
        raise AssertionError(f"id is {order['id']!r}")


async def refused(exchange, call, expected, code, message):
    """The library has classes of its own for the kinds of refusals, and keeps the exchange's reply."""
    error = await raised_async(expected, call)
    equal(type(error), expected, "the class")
    reply = json.loads(exchange.last_http_response)
    equal(reply["code"], code, "the code")
    if not reply["msg"].startswith(message):
        raise AssertionError(f"the message is {reply['msg']!r}, expected {message!r}")


async def run():
    exchange = client()
    try:
        await markets_and_price(exchange)
        with operation("balances"):
            held = await exchange.fetch_balance()
            for asset, amount in (
                ("USDT", harness.FIRST_USDT),
                ("BTC", harness.FIRST_BTC),
                ("BNB", harness.FIRST_BNB),
            ):
                number(held[asset]["free"], amount, f"free {asset}")
                number(held[asset]["used"], 0, f"used {asset}")
                number(held[asset]["total"], amount, f"total {asset}")
        with operation("stream: subscription"):
            await exchange.authenticate()
        await resting_order(exchange)
        absent("amend in place", "not offered by this version: editOrder cancels and places anew")
        await canceled_order(exchange)
        await taking_orders(exchange)
        await lists(exchange)
        await errors(exchange)
    finally:
        await exchange.close()


async def markets_and_price(exchange):
    with operation("markets"):
        market = (await exchange.load_markets())[MARKET]
        equal((market["id"], market["base"], market["quote"]), ("BTCUSDT", "BTC", "USDT"), "the market")
        equal((market["active"], market["spot"], market["margin"]), (True, True, False), "the flags")
        number(market["precision"]["price"], "0.01", "the price's precision")
        number(market["precision"]["amount"], "0.00001", "the amount's precision")
        number(market["limits"]["amount"]["min"], "0.00001", "the smallest amount")
        number(market["limits"]["price"]["max"], 1_000_000, "the highest price")
        number(market["limits"]["cost"]["min"], 5, "the smallest cost")
        number(market["limits"]["market"]["max"], 9_000_000, "the largest amount of a market order")
    with operation("price"):
        ticker = (await exchange.fetch_last_prices([MARKET]))[MARKET]
        number(ticker["price"], 60000, "the last price")
        book = (await exchange.fetch_bids_asks([MARKET]))[MARKET]
        number(book["bid"], "59999.99", "bid")
        number(book["ask"], "60000.01", "ask")


async def updates(watch, until):
    """Collects what a watch brings until a condition holds of all of it."""
    seen = []

    async def collect():
        while not until(seen):
            # The library changes an order in place when it hears of it again.
            seen.extend(dict(entry) for entry in await watch())

    await asyncio.wait_for(collect(), harness.EVENT_SECONDS)
    return seen


RESTING = {"client_id": "own-1", "side": "buy", "type": "limit", "price": "59000", "amount": "0.002"}


async def resting_order(exchange):
    """A limit order that rests, is looked at, and fills in two trades."""
    # What is watched must be waited for before it happens.
    orders = asyncio.ensure_future(updates(lambda: exchange.watch_orders(MARKET), lambda seen: len(seen) >= 1))
    balance = asyncio.ensure_future(asyncio.wait_for(exchange.watch_balance(), harness.EVENT_SECONDS))
    await asyncio.sleep(0)
    placed = {"id": "0"}
    with operation("limit order"):
        placed = await exchange.create_order(MARKET, "limit", "buy", 0.002, 59000, {"newClientOrderId": "own-1"})
        unified(placed, status="open", filled=0, cost=0, **RESTING)
        equal(placed["trades"], [], "trades")
    with operation("stream: new order"):
        event = (await orders)[0]
        unified(event, status="open", filled=0, cost=0, **RESTING)
        equal(event["id"], placed["id"], "id")
        decimal_text(event["info"]["q"], "0.002", "q")
    with operation("stream: balances"):
        held = (await balance)["USDT"]
        number(held["free"], harness.FIRST_USDT - 118, "free USDT")
        number(held["used"], 118, "used USDT")
    with operation("open orders"):
        found = await exchange.fetch_open_orders(MARKET)
        equal(len(found), 1, "the number of open orders")
        unified(found[0], status="open", filled=0, cost=0, **RESTING)
    with operation("order by id"):
        unified(await exchange.fetch_order(placed["id"], MARKET), status="open", filled=0, cost=0, **RESTING)
    trades = asyncio.ensure_future(updates(lambda: exchange.watch_my_trades(MARKET), lambda seen: len(seen) >= 2))
    filled = asyncio.ensure_future(
        updates(lambda: exchange.watch_orders(MARKET), lambda seen: seen and seen[-1]["status"] == "closed")
    )
    # Both watches have to be under way, which they are once they have given way.
    await exchange.fetch_time()
    await asyncio.to_thread(harness.fill, int(placed["id"]), 2)
    with operation("stream: fills"):
        seen = await trades
        equal([trade["id"] for trade in seen], ["1", "2"], "trade ids")
        for trade in seen:
            equal((trade["order"], trade["side"], trade["takerOrMaker"]), (placed["id"], "buy", "maker"), "the trade")
            number(trade["price"], 59000, "price")
            number(trade["amount"], "0.001", "amount")
            number(trade["cost"], 59, "cost")
            number(trade["fee"]["cost"], "0.000001", "the fee")
            equal(trade["fee"]["currency"], "BTC", "the fee's currency")
            time_ms(trade["timestamp"], "timestamp")
        last = (await filled)[-1]
        unified(last, status="closed", filled="0.002", cost=118, **RESTING)
        number(last["average"], 59000, "average")
    with operation("order by client id"):
        found = await exchange.fetch_order("", MARKET, {"clientOrderId": "own-1"})
        unified(found, status="closed", filled="0.002", cost=118, **RESTING)
        equal(found["id"], placed["id"], "id")


POST_ONLY = {"side": "sell", "type": "limit", "price": "61000", "amount": "0.001", "post_only": True}


async def canceled_order(exchange):
    """A post-only order that rests and is cancelled."""
    placed = {"id": "0"}
    with operation("post-only order"):
        placed = await exchange.create_order(
            MARKET, "limit", "sell", 0.001, 61000, {"postOnly": True, "newClientOrderId": "own-2"}
        )
        unified(placed, client_id="own-2", status="open", filled=0, cost=0, **POST_ONLY)
        equal(placed["info"]["type"], "LIMIT_MAKER", "the type the exchange knows it by")
    orders = asyncio.ensure_future(
        updates(lambda: exchange.watch_orders(MARKET), lambda seen: seen and seen[-1]["status"] == "canceled")
    )
    await asyncio.sleep(0)
    with operation("cancel"):
        canceled = await exchange.cancel_order(placed["id"], MARKET)
        unified(
            {**canceled, "timestamp": canceled["lastUpdateTimestamp"] or canceled["timestamp"]},
            client_id=canceled["clientOrderId"],
            status="canceled",
            filled=0,
            cost=0,
            **POST_ONLY,
        )
        equal(canceled["info"]["origClientOrderId"], "own-2", "origClientOrderId")
    with operation("stream: cancel"):
        event = (await orders)[-1]
        # Of the two ids of a cancel, the library takes the order's own.
        unified(event, client_id="own-2", status="canceled", filled=0, cost=0, **POST_ONLY)
        equal(event["info"]["c"], canceled["info"]["clientOrderId"], "the cancel's own id")


async def taking_orders(exchange):
    with operation("market order"):
        sold = await exchange.create_order(MARKET, "market", "sell", 0.001, None, {"newClientOrderId": "own-3"})
        unified(
            sold,
            client_id="own-3",
            side="sell",
            type="market",
            price="59999.99",
            amount="0.001",
            status="closed",
            filled="0.001",
            cost="59.99999",
        )
        equal(len(sold["trades"]), 1, "the number of trades")
        trade = sold["trades"][0]
        number(trade["price"], "59999.99", "the trade's price")
        number(trade["fee"]["cost"], "0.05999999", "the trade's fee")
        equal((trade["id"], trade["fee"]["currency"]), ("3", "USDT"), "the trade")
        number(sold["fee"]["cost"], "0.05999999", "the order's fee")
    await asyncio.to_thread(harness.depth, "0.001")
    with operation("immediate-or-cancel order"):
        bought = await exchange.create_order(
            MARKET, "limit", "buy", 0.003, 60100, {"timeInForce": "IOC", "newClientOrderId": "own-4"}
        )
        unified(
            bought,
            client_id="own-4",
            side="buy",
            type="limit",
            tif="IOC",
            price="60100",
            amount="0.003",
            status="expired",
            filled="0.001",
            cost="60.00001",
        )
        number(bought["average"], "60000.01", "average")
        equal([trade["id"] for trade in bought["trades"]], ["4"], "trade ids")
    await asyncio.to_thread(harness.depth, None)


async def lists(exchange):
    with operation("all orders"):
        found = await exchange.fetch_orders(MARKET)
        statuses = [(order["clientOrderId"], order["status"]) for order in found]
        equal(
            statuses,
            [("own-1", "closed"), ("own-2", "canceled"), ("own-3", "closed"), ("own-4", "expired")],
            "all orders",
        )
        number(found[3]["filled"], "0.001", "filled")
        time_ms(found[2]["lastTradeTimestamp"] or found[2]["lastUpdateTimestamp"], "the last update")
        closed = await exchange.fetch_closed_orders(MARKET)
        equal([order["clientOrderId"] for order in closed], ["own-1", "own-3"], "closed orders")
    with operation("trades page by page"):
        trades, start = [], 0
        while True:
            page = await exchange.fetch_my_trades(MARKET, None, 3, {"fromId": start})
            trades += page
            if len(page) < 3:
                break
            start = int(page[-1]["id"]) + 1
        equal([trade["id"] for trade in trades], ["1", "2", "3", "4"], "trade ids")
        first, third = trades[0], trades[2]
        number(first["price"], 59000, "price")
        number(first["cost"], 59, "cost")
        number(first["fee"]["cost"], "0.000001", "fee")
        equal(
            (first["side"], first["takerOrMaker"], third["side"], third["takerOrMaker"]),
            ("buy", "maker", "sell", "taker"),
            "the sides",
        )
        time_ms(first["timestamp"], "timestamp")


async def errors(exchange):
    async def of_another(key, secret, expected, code, message):
        another = client(key, secret)
        try:
            await refused(another, another.fetch_balance(), expected, code, message)
        finally:
            await another.close()

    def place(amount, price, **params):
        return exchange.create_order(MARKET, "limit", "buy", amount, price, params)

    with operation("error: bad signature (-1022)"):
        await of_another(
            harness.KEY, "another", ccxt.AuthenticationError, -1022, "Signature for this request is not valid."
        )
    with operation("error: unknown key (-2015)"):
        await of_another(
            harness.STRANGE_KEY, harness.SECRET, ccxt.AuthenticationError, -2015, "Invalid API-key, IP, or permissions"
        )
    with operation("error: unknown order asked for (-2013)"):
        await refused(exchange, exchange.fetch_order("999", MARKET), ccxt.OrderNotFound, -2013, "Order does not exist.")
    with operation("error: unknown order cancelled (-2011)"):
        await refused(exchange, exchange.cancel_order("999", MARKET), ccxt.OrderNotFound, -2011, "Unknown order sent.")
    with operation("error: duplicate order (-2010)"):
        await place(0.001, 50000, newClientOrderId="own-5")
        await refused(
            exchange, place(0.001, 50000, newClientOrderId="own-5"), ccxt.InvalidOrder, -2010, "Duplicate order sent."
        )
    with operation("error: insufficient balance (-2010)"):
        await refused(
            exchange,
            place(50, 55000),
            ccxt.InsufficientFunds,
            -2010,
            "Account has insufficient balance for requested action.",
        )
    with operation("error: would take (-2010)"):
        await refused(
            exchange,
            place(0.001, 60100, postOnly=True),
            ccxt.OrderImmediatelyFillable,
            -2010,
            "Order would immediately match and take.",
        )
    with operation("error: filter failure (-1013)"):
        # The library rounds to the steps itself, so of the filters others are met.
        await refused(exchange, place(0.001, 600000), ccxt.InvalidOrder, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE")
        await refused(exchange, place(0.00001, 59000), ccxt.BadRequest, -1013, "Filter failure: NOTIONAL")
    with operation("error: unknown symbol (-1121)"):
        await refused(
            exchange, exchange.public_get_ticker_price({"symbol": "NOPE"}), ccxt.BadSymbol, -1121, "Invalid symbol."
        )
    with operation("error: bad timestamp (-1021)"):
        for offset_ms in (60_000, -60_000):
            await asyncio.to_thread(harness.server_clock, offset_ms)
            await refused(exchange, exchange.fetch_balance(), ccxt.InvalidNonce, -1021, "Timestamp for this request")
        await asyncio.to_thread(harness.server_clock, 0)


harness.main(run)
