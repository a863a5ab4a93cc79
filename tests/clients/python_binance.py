"""python-binance against the simulator: REST by its blocking client, the stream by its asynchronous one."""

import asyncio

from binance import AsyncClient, BinanceSocketManager, Client
from binance.exceptions import BinanceAPIException

import harness
from harness import SYMBOL, absent, decimal_text, equal, operation, raised, time_ms

for kind in (Client, AsyncClient):
    kind.API_URL = f"{harness.REST}/api"
    kind.MARGIN_API_URL = f"{harness.REST}/sapi"
    kind.WS_API_URL = harness.WEB_SOCKET


def refused(call, status, code, message):
    """The library has one class of its own for refusals, with the exchange's code and words."""
    error = raised(BinanceAPIException, call)
    equal(error.status_code, status, "the HTTP status")
    equal(error.code, code, "the code")
    equal(error.message, message, "the message")


def order_fields(order, **expected):
    """What every reply about an order shares."""
    equal(order["symbol"], SYMBOL, "symbol")
    equal(order["orderListId"], -1, "orderListId")
    equal(order["clientOrderId"], expected["client_id"], "clientOrderId")
    equal(order["side"], expected["side"], "side")
    equal(order["type"], expected["type"], "type")
    equal(order["timeInForce"], expected.get("tif", "GTC"), "timeInForce")
    equal(order["status"], expected["status"], "status")
    equal(order["selfTradePreventionMode"], "EXPIRE_MAKER", "selfTradePreventionMode")
    decimal_text(order["price"], expected["price"], "price")
    decimal_text(order["origQty"], expected["quantity"], "origQty")
    decimal_text(order["executedQty"], expected["executed"], "executedQty")
    decimal_text(order["cummulativeQuoteQty"], expected["quote"], "cummulativeQuoteQty")
    decimal_text(order["origQuoteOrderQty"], 0, "origQuoteOrderQty")
    time_ms(order["workingTime"], "workingTime")
    if not isinstance(order["orderId"], int) or order["orderId"] < 1:
        raise AssertionError(f"orderId is {order['orderId']!r}")


def queried(order, **expected):
    """What a queried order has beside them."""
    order_fields(order, **expected)
    decimal_text(order["stopPrice"], 0, "stopPrice")
    decimal_text(order["icebergQty"], 0, "icebergQty")
    time_ms(order["time"], "time")
    time_ms(order["updateTime"], "updateTime")
    equal(order["isWorking"], True, "isWorking")


async def events_until(stream, wanted, seen):
    """Reads events until one satisfies a condition."""
    while True:
        event = await asyncio.wait_for(stream.recv(), harness.EVENT_SECONDS)
        if event.get("e") == "error":
            raise AssertionError(f"the stream broke: {event}")
        seen.append(event)
        if wanted(event):
            return event


def report(event, **expected):
    """One executionReport."""
    equal(event["e"], "executionReport", "e")
    time_ms(event["E"], "E")
    time_ms(event["T"], "T")
    time_ms(event["O"], "O")
    time_ms(event["W"], "W")
    for name, value in {"s": SYMBOL, "g": -1, "r": "NONE", "V": "EXPIRE_MAKER", "f": "GTC"}.items():
        equal(event[name], value, name)
    for name in ("q", "p", "P", "F", "l", "z", "L", "Z", "Y", "Q"):
        decimal_text(event[name], expected.get(name, 0), name)
    for name in ("c", "C", "S", "o", "x", "X", "i", "n", "N", "t", "w", "m", "M"):
        equal(event[name], expected[name], name)
    if type(event["I"]) is not int:
        raise AssertionError(f"I is {event['I']!r}")


async def run():
    client = Client(harness.KEY, harness.SECRET)
    markets_and_price(client)
    with operation("balances"):
        account = client.get_account()
        equal(account["canTrade"], True, "canTrade")
        equal(account["accountType"], "SPOT", "accountType")
        equal(account["permissions"], ["SPOT"], "permissions")
        # In hundredths of a percent: 10 is a rate of 0.001.
        equal(account["makerCommission"], 10, "makerCommission")
        equal(account["takerCommission"], 10, "takerCommission")
        decimal_text(account["commissionRates"]["maker"], harness.RATE, "the maker's rate")
        equal(type(account["uid"]), int, "the type of uid")
        for asset, amount in (
            ("USDT", harness.FIRST_USDT),
            ("BTC", harness.FIRST_BTC),
            ("BNB", harness.FIRST_BNB),
        ):
            balance = client.get_asset_balance(asset)
            decimal_text(balance["free"], amount, f"free {asset}")
            decimal_text(balance["locked"], 0, f"locked {asset}")
    streaming = await AsyncClient.create(harness.KEY, harness.SECRET)
    try:
        async with BinanceSocketManager(streaming).user_socket() as stream:
            with operation("stream: subscription"):
                equal(stream._subscription_id, 0, "the first subscription's id")
            await resting_order(client, stream)
            await canceled_order(client, stream)
    finally:
        # The library ends its reading loop only when that has waited so many seconds for a message.
        streaming.ws_api.TIMEOUT = 0.1
        await streaming.close_connection()
    absent("amend in place", "not offered by this version")
    taking_orders(client)
    lists(client)
    errors(client)


def markets_and_price(client):
    with operation("markets"):
        info = client.get_symbol_info(SYMBOL)
        equal(info["status"], "TRADING", "status")
        equal((info["baseAsset"], info["quoteAsset"]), ("BTC", "USDT"), "assets")
        equal((info["baseAssetPrecision"], info["quoteAssetPrecision"]), (8, 8), "precisions")
        equal(info["orderTypes"], ["LIMIT", "LIMIT_MAKER", "MARKET"], "orderTypes")
        filters = {entry["filterType"]: entry for entry in info["filters"]}
        decimal_text(filters["PRICE_FILTER"]["tickSize"], "0.01", "tickSize")
        decimal_text(filters["LOT_SIZE"]["stepSize"], "0.00001", "stepSize")
        decimal_text(filters["NOTIONAL"]["minNotional"], "5", "minNotional")
        equal(filters["MAX_NUM_ORDERS"]["maxNumOrders"], 200, "maxNumOrders")
    with operation("price"):
        equal(client.get_symbol_ticker(symbol=SYMBOL), {"symbol": SYMBOL, "price": "60000.00000000"}, "the ticker")
        book = client.get_orderbook_ticker(symbol=SYMBOL)
        decimal_text(book["bidPrice"], "59999.99", "bidPrice")
        decimal_text(book["askPrice"], "60000.01", "askPrice")


RESTING = {"client_id": "own-1", "side": "BUY", "type": "LIMIT", "price": "59000", "quantity": "0.002"}


async def resting_order(client, stream):
    """A LIMIT order that rests, is looked at, and fills in two trades."""
    order_id = 0
    with operation("limit order"):
        placed = client.order_limit_buy(symbol=SYMBOL, quantity="0.002", price="59000.00", newClientOrderId="own-1")
        order_fields(placed, status="NEW", executed=0, quote=0, **RESTING)
        equal(placed["fills"], [], "fills")
        time_ms(placed["transactTime"], "transactTime")
        order_id = placed["orderId"]
    common = {"c": "own-1", "C": "", "S": "BUY", "o": "LIMIT", "i": order_id, "q": "0.002", "p": "59000"}
    seen = []
    with operation("stream: new order"):
        event = await events_until(stream, lambda event: event["e"] == "executionReport", seen)
        report(event, x="NEW", X="NEW", n="0", N=None, t=-1, w=True, m=False, M=False, **common)
    with operation("stream: balances"):
        event = await events_until(stream, lambda event: event["e"] == "outboundAccountPosition", seen)
        time_ms(event["u"], "u")
        held = {entry["a"]: entry for entry in event["B"]}
        decimal_text(held["USDT"]["f"], harness.FIRST_USDT - 118, "free USDT")
        decimal_text(held["USDT"]["l"], 118, "locked USDT")
    with operation("open orders"):
        found = client.get_open_orders(symbol=SYMBOL)
        equal(len(found), 1, "the number of open orders")
        queried(found[0], status="NEW", executed=0, quote=0, **RESTING)
    with operation("order by id"):
        queried(client.get_order(symbol=SYMBOL, orderId=order_id), status="NEW", executed=0, quote=0, **RESTING)
    harness.fill(order_id, 2)
    with operation("stream: fills"):
        trade = {
            "x": "TRADE",
            "l": "0.001",
            "L": "59000",
            "Y": "59",
            "n": "0.00000100",
            "N": "BTC",
            "m": True,
            "M": True,
        }
        first = await events_until(stream, lambda event: event.get("x") == "TRADE", seen)
        report(first, X="PARTIALLY_FILLED", z="0.001", Z="59", t=1, w=True, **trade, **common)
        last = await events_until(stream, lambda event: event.get("x") == "TRADE", seen)
        report(last, X="FILLED", z="0.002", Z="118", t=2, w=False, **trade, **common)
    with operation("order by client id"):
        found = client.get_order(symbol=SYMBOL, origClientOrderId="own-1")
        queried(found, status="FILLED", executed="0.002", quote=118, **RESTING)
        equal(found["orderId"], order_id, "orderId")


POST_ONLY = {"side": "SELL", "type": "LIMIT_MAKER", "price": "61000", "quantity": "0.001"}


async def canceled_order(client, stream):
    """A LIMIT_MAKER order that rests and is cancelled."""
    order_id = 0
    with operation("post-only order"):
        placed = client.create_order(
            symbol=SYMBOL,
            side="SELL",
            type="LIMIT_MAKER",
            quantity="0.001",
            price="61000.00",
            newClientOrderId="own-2",
            newOrderRespType="RESULT",
        )
        order_fields(placed, client_id="own-2", status="NEW", executed=0, quote=0, **POST_ONLY)
        order_id = placed["orderId"]
    with operation("cancel"):
        canceled = client.cancel_order(symbol=SYMBOL, orderId=order_id, newClientOrderId="cancel-2")
        equal(canceled["origClientOrderId"], "own-2", "origClientOrderId")
        equal(canceled["clientOrderId"], "cancel-2", "clientOrderId")
        equal(canceled["status"], "CANCELED", "status")
        equal(canceled["orderId"], order_id, "orderId")
        decimal_text(canceled["origQty"], "0.001", "origQty")
        decimal_text(canceled["executedQty"], 0, "executedQty")
        time_ms(canceled["transactTime"], "transactTime")
    with operation("stream: cancel"):
        event = await events_until(stream, lambda event: event.get("x") == "CANCELED", [])
        # The cancel's own id comes first, the order's is the original one.
        names = {"c": "cancel-2", "C": "own-2", "S": "SELL", "o": "LIMIT_MAKER", "i": order_id}
        report(
            event,
            x="CANCELED",
            X="CANCELED",
            q="0.001",
            p="61000",
            n="0",
            N=None,
            t=-1,
            w=False,
            m=False,
            M=False,
            **names,
        )


def taking_orders(client):
    with operation("market order"):
        sold = client.order_market_sell(symbol=SYMBOL, quantity="0.001", newClientOrderId="own-3")
        order_fields(
            sold,
            client_id="own-3",
            side="SELL",
            type="MARKET",
            price=0,
            quantity="0.001",
            status="FILLED",
            executed="0.001",
            quote="59.99999",
        )
        equal(len(sold["fills"]), 1, "the number of fills")
        trade = sold["fills"][0]
        decimal_text(trade["price"], "59999.99", "the fill's price")
        decimal_text(trade["qty"], "0.001", "the fill's quantity")
        # A thousandth of what came in, cut off after eight decimals.
        decimal_text(trade["commission"], "0.05999999", "the fill's commission")
        equal(trade["commissionAsset"], "USDT", "the commission's asset")
        equal(trade["tradeId"], 3, "tradeId")
    harness.depth("0.001")
    with operation("immediate-or-cancel order"):
        bought = client.order_limit_buy(
            symbol=SYMBOL, timeInForce="IOC", quantity="0.003", price="60100.00", newClientOrderId="own-4"
        )
        order_fields(
            bought,
            client_id="own-4",
            side="BUY",
            type="LIMIT",
            tif="IOC",
            price="60100",
            quantity="0.003",
            status="EXPIRED",
            executed="0.001",
            quote="60.00001",
        )
        equal(bought["expiryReason"], "UNFILLED_IOC_QUANTITY_EXPIRED", "expiryReason")
        equal([trade["tradeId"] for trade in bought["fills"]], [4], "trade ids")
    harness.depth(None)


def lists(client):
    with operation("all orders"):
        found = client.get_all_orders(symbol=SYMBOL)
        statuses = [(order["clientOrderId"], order["status"]) for order in found]
        equal(
            statuses,
            [("own-1", "FILLED"), ("own-2", "CANCELED"), ("own-3", "FILLED"), ("own-4", "EXPIRED")],
            "all orders",
        )
        queried(
            found[2],
            client_id="own-3",
            side="SELL",
            type="MARKET",
            price=0,
            quantity="0.001",
            status="FILLED",
            executed="0.001",
            quote="59.99999",
        )
        later = client.get_all_orders(symbol=SYMBOL, orderId=found[2]["orderId"], limit=1)
        equal([order["clientOrderId"] for order in later], ["own-3"], "the page from the third order on")
    with operation("trades page by page"):
        trades, start = [], 0
        while True:
            page = client.get_my_trades(symbol=SYMBOL, fromId=start, limit=3)
            trades += page
            if len(page) < 3:
                break
            start = page[-1]["id"] + 1
        equal([trade["id"] for trade in trades], [1, 2, 3, 4], "trade ids")
        first, third = trades[0], trades[2]
        for name, value in {"price": "59000", "qty": "0.001", "quoteQty": "59", "commission": "0.000001"}.items():
            decimal_text(first[name], value, name)
        equal(first["commissionAsset"], "BTC", "commissionAsset")
        equal((first["isBuyer"], first["isMaker"], first["isBestMatch"]), (True, True, True), "the flags")
        equal((third["isBuyer"], third["isMaker"]), (False, False), "the third trade's flags")
        time_ms(first["time"], "time")
        of_one = client.get_my_trades(symbol=SYMBOL, orderId=first["orderId"])
        equal([trade["id"] for trade in of_one], [1, 2], "the first order's trades")


def errors(client):
    limit = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    with operation("error: bad signature (-1022)"):
        forger = Client(harness.KEY, "another secret")
        refused(forger.get_account, 400, -1022, "Signature for this request is not valid.")
    with operation("error: unknown key (-2015)"):
        stranger = Client(harness.STRANGE_KEY, harness.SECRET)
        refused(stranger.get_account, 401, -2015, "Invalid API-key, IP, or permissions for action.")
    with operation("error: unknown order asked for (-2013)"):
        refused(lambda: client.get_order(symbol=SYMBOL, orderId=999), 400, -2013, "Order does not exist.")
    with operation("error: unknown order cancelled (-2011)"):
        refused(lambda: client.cancel_order(symbol=SYMBOL, orderId=999), 400, -2011, "Unknown order sent.")
    with operation("error: duplicate order (-2010)"):
        order = {**limit, "quantity": "0.001", "price": "50000", "newClientOrderId": "own-5"}
        client.create_order(**order)
        refused(lambda: client.create_order(**order), 400, -2010, "Duplicate order sent.")
    with operation("error: insufficient balance (-2010)"):
        refused(
            lambda: client.create_order(**limit, quantity="50", price="55000"),
            400,
            -2010,
            "Account has insufficient balance for requested action.",
        )
    with operation("error: would take (-2010)"):
        refused(
            lambda: client.create_order(symbol=SYMBOL, side="BUY", type="LIMIT_MAKER", quantity="0.001", price="60100"),
            400,
            -2010,
            "Order would immediately match and take.",
        )
    with operation("error: filter failure (-1013)"):
        for quantity, price, name in (
            ("0.001", "59000.001", "PRICE_FILTER"),
            ("0.000015", "59000", "LOT_SIZE"),
            ("0.00001", "59000", "NOTIONAL"),
            ("0.001", "600000", "PERCENT_PRICE_BY_SIDE"),
        ):
            refused(
                lambda: client.create_order(**limit, quantity=quantity, price=price),
                400,
                -1013,
                f"Filter failure: {name}",
            )
    with operation("error: unknown symbol (-1121)"):
        refused(lambda: client.get_symbol_ticker(symbol="NOPE"), 400, -1121, "Invalid symbol.")
    with operation("error: bad timestamp (-1021)"):
        harness.server_clock(60_000)
        refused(client.get_account, 400, -1021, "Timestamp for this request is outside of the recvWindow.")
        harness.server_clock(-60_000)
        refused(client.get_account, 400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        harness.server_clock(0)


harness.main(run)
