"""Binance's own Python connector (binance-sdk-spot) against the simulator: REST and the WebSocket API.

Each reply is read through its model, and must be complete by it (`models.py`).
"""

import asyncio

from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketAPI
from binance_common.errors import BadRequestError, UnauthorizedError
from binance_sdk_spot import Spot
from pydantic import BaseModel

import harness
from harness import SYMBOL, decimal_text, equal, operation, raised, time_ms
from models import complete


def rest(secret=harness.SECRET, key=harness.KEY):
    """A client for REST. Nothing is tried twice, so that a first failure shows."""
    configuration = ConfigurationRestAPI(
        api_key=key, api_secret=secret, base_path=harness.REST, timeout=10_000, retries=0
    )
    return Spot(config_rest_api=configuration).rest_api


def refused(call, expected, code, message):
    """The library has a class for each HTTP status, with the exchange's code and words."""
    error = raised(expected, call)
    equal(error.status_code, code, "the code")
    equal(error.error_message, message, "the message")


def order_fields(order, **expected):
    """What every reply about an order shares."""
    equal(order.symbol, SYMBOL, "symbol")
    equal(order.order_list_id, -1, "orderListId")
    equal(order.client_order_id, expected["client_id"], "clientOrderId")
    equal(order.side, expected["side"], "side")
    equal(order.type, expected["type"], "type")
    equal(order.time_in_force, expected.get("tif", "GTC"), "timeInForce")
    equal(order.status, expected["status"], "status")
    decimal_text(order.price, expected["price"], "price")
    decimal_text(order.orig_qty, expected["quantity"], "origQty")
    decimal_text(order.executed_qty, expected["executed"], "executedQty")
    decimal_text(order.cummulative_quote_qty, expected["quote"], "cummulativeQuoteQty")
    time_ms(order.working_time, "workingTime")
    return order


def queried(order, **expected):
    """What a queried order has beside them."""
    order_fields(order, **expected)
    decimal_text(order.stop_price, 0, "stopPrice")
    decimal_text(order.iceberg_qty, 0, "icebergQty")
    time_ms(order.time, "time")
    time_ms(order.update_time, "updateTime")
    equal(order.is_working, True, "isWorking")


def rows(answer):
    """The rows of a reply that is a list."""
    data = answer.data()
    return data if isinstance(data, list) else data.root


class Events:
    """The events of one subscription, as the library hands them over."""

    def __init__(self):
        self.queue = asyncio.Queue()

    async def until(self, wanted):
        """The next event of a kind that satisfies a condition."""
        while True:
            wrapped = await asyncio.wait_for(self.queue.get(), harness.EVENT_SECONDS)
            event = wrapped.actual_instance
            if not isinstance(event, BaseModel):
                raise AssertionError(f"an event was not read into its model: {wrapped!r}")
            if wanted(event):
                return event

    async def report(self, execution):
        """The next executionReport of a type."""
        return await self.until(lambda event: type(event).__name__ == "ExecutionReport" and event.x == execution)


def report(event, **expected):
    """One executionReport. Its field N is null when there was no commission, which the model shows as none."""
    complete(event, allowed=() if expected["N"] else ("N",), where=f"the report of type {event.x}")
    for name in ("E", "T", "O", "W"):
        time_ms(getattr(event, name), name)
    for name, value in {"s": SYMBOL, "g": -1, "r": "NONE", "V": "EXPIRE_MAKER", "f": "GTC"}.items():
        equal(getattr(event, name), value, name)
    for name in ("q", "p", "P", "F", "l", "z", "L", "Z", "Y", "Q"):
        decimal_text(getattr(event, name), expected.get(name, 0), name)
    for name in ("c", "C", "S", "o", "x", "X", "i", "n", "N", "t", "w", "m", "M"):
        equal(getattr(event, name), expected[name], name)


async def run():
    client = rest()
    markets_and_price(client)
    account(client)
    configuration = ConfigurationWebSocketAPI(
        api_key=harness.KEY, api_secret=harness.SECRET, stream_url=harness.WEB_SOCKET
    )
    spot = Spot(config_ws_api=configuration)
    connection = await spot.websocket_api.create_connection()
    try:
        events = Events()
        with operation("stream: subscription"):
            subscribed = await connection.user_data_stream_subscribe_signature()
            reply = complete(subscribed.response.data())
            equal(reply.status, 200, "status")
            equal(reply.result.subscription_id, 0, "the first subscription's id")
            subscribed.stream.on("message", events.queue.put_nowait)
        order_id = await resting_order(client, events)
        await amended_order(client, events)
        await canceled_order(client, events)
    finally:
        await connection.close_connection(close_session=True)
    taking_orders(client)
    lists(client, order_id)
    errors(client)


def markets_and_price(client):
    with operation("markets"):
        answer = client.exchange_info(symbol=SYMBOL)
        # The model has the limiters' count, which only replies about usage have.
        info = complete(answer.data(), allowed=("count",))
        equal(info.timezone, "UTC", "timezone")
        rules = info.symbols[0]
        equal((rules.symbol, rules.status), (SYMBOL, "TRADING"), "the symbol")
        equal((rules.base_asset, rules.quote_asset), ("BTC", "USDT"), "assets")
        equal(rules.order_types, ["LIMIT", "LIMIT_MAKER", "MARKET"], "orderTypes")
        filters = {entry.actual_instance.filter_type: entry.actual_instance for entry in rules.filters}
        decimal_text(filters["PRICE_FILTER"].tick_size, "0.01", "tickSize")
        decimal_text(filters["LOT_SIZE"].step_size, "0.00001", "stepSize")
        decimal_text(filters["NOTIONAL"].min_notional, "5", "minNotional")
        equal(filters["MAX_NUM_ORDERS"].max_num_orders, 200, "maxNumOrders")
        limits = {
            (limit.rate_limit_type, limit.interval, limit.interval_num): limit.limit for limit in info.rate_limits
        }
        equal(limits[("REQUEST_WEIGHT", "MINUTE", 1)], 6000, "the weight of a minute")
        weights = {(limit.interval, limit.intervalNum): limit.count for limit in answer.rate_limits}
        equal(weights[("MINUTE", 1)], 20, "the weight used, as the reply's headers tell it")
    with operation("price"):
        ticker = complete(client.ticker_price(symbol=SYMBOL).data())
        decimal_text(ticker.price, "60000", "price")
        book = complete(client.ticker_book_ticker(symbol=SYMBOL).data())
        decimal_text(book.bid_price, "59999.99", "bidPrice")
        decimal_text(book.ask_price, "60000.01", "askPrice")


def account(client):
    with operation("balances"):
        held = complete(client.get_account(omit_zero_balances=True).data())
        equal((held.can_trade, held.account_type, held.permissions), (True, "SPOT", ["SPOT"]), "the account")
        # In hundredths of a percent: 10 is a rate of 0.001.
        equal((held.maker_commission, held.taker_commission), (10, 10), "the commissions")
        decimal_text(held.commission_rates.taker, harness.RATE, "the taker's rate")
        balances = {balance.asset: balance for balance in held.balances}
        for asset, amount in (
            ("USDT", harness.FIRST_USDT),
            ("BTC", harness.FIRST_BTC),
            ("BNB", harness.FIRST_BNB),
        ):
            decimal_text(balances[asset].free, amount, f"free {asset}")
            decimal_text(balances[asset].locked, 0, f"locked {asset}")
        rates = complete(client.account_commission(symbol=SYMBOL).data())
        decimal_text(rates.standard_commission.maker, harness.RATE, "the maker's standard commission")
        decimal_text(rates.tax_commission.taker, 0, "the taker's tax commission")
        for limit in rows(client.rate_limit_order()):
            equal((complete(limit).rate_limit_type, limit.count), ("ORDERS", 0), "an order limit")


RESTING = {"client_id": "own-1", "side": "BUY", "type": "LIMIT", "price": "59000", "quantity": "0.002"}


async def resting_order(client, events):
    """A LIMIT order that rests, is looked at, and fills in two trades. Returns its id."""
    order_id = 0
    with operation("limit order"):
        answer = client.new_order(
            symbol=SYMBOL,
            side="BUY",
            type="LIMIT",
            time_in_force="GTC",
            quantity=0.002,
            price=59000,
            new_client_order_id="own-1",
        )
        placed = complete(order_fields(answer.data(), status="NEW", executed=0, quote=0, **RESTING))
        equal(placed.fills, [], "fills")
        order_id = placed.order_id
        counts = {
            (limit.interval, limit.intervalNum): limit.count
            for limit in answer.rate_limits
            if limit.rateLimitType == "ORDERS"
        }
        equal(counts, {("SECOND", 10): 1, ("DAY", 1): 1}, "the order counts, as the reply's headers tell them")
    common = {"c": "own-1", "C": "", "S": "BUY", "o": "LIMIT", "i": order_id, "q": "0.002", "p": "59000"}
    with operation("stream: new order"):
        event = await events.report("NEW")
        report(event, x="NEW", X="NEW", n="0", N=None, t=-1, w=True, m=False, M=False, **common)
    with operation("stream: balances"):
        event = complete(await events.until(lambda event: type(event).__name__ == "OutboundAccountPosition"))
        balances = {balance.a: balance for balance in event.B}
        decimal_text(balances["USDT"].f, harness.FIRST_USDT - 118, "free USDT")
        decimal_text(balances["USDT"].l, 118, "locked USDT")
    with operation("open orders"):
        found = rows(client.get_open_orders(symbol=SYMBOL))
        equal(len(found), 1, "the number of open orders")
        queried(complete(found[0]), status="NEW", executed=0, quote=0, **RESTING)
    with operation("order by id"):
        found = complete(client.get_order(symbol=SYMBOL, order_id=order_id).data())
        queried(found, status="NEW", executed=0, quote=0, **RESTING)
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
        first = await events.report("TRADE")
        report(first, X="PARTIALLY_FILLED", z="0.001", Z="59", t=1, w=True, **trade, **common)
        last = await events.report("TRADE")
        report(last, X="FILLED", z="0.002", Z="118", t=2, w=False, **trade, **common)
    with operation("order by client id"):
        found = complete(client.get_order(symbol=SYMBOL, orig_client_order_id="own-1").data())
        queried(found, status="FILLED", executed="0.002", quote=118, **RESTING)
        equal(found.order_id, order_id, "orderId")
    return order_id


async def amended_order(client, events):
    """An order whose quantity is lowered in place, which keeps its id and its place in the queue."""
    with operation("amend in place"):
        placed = client.new_order(
            symbol=SYMBOL,
            side="BUY",
            type="LIMIT",
            time_in_force="GTC",
            quantity=0.003,
            price=58000,
            new_client_order_id="own-amended",
        ).data()
        answer = client.order_amend_keep_priority(
            symbol=SYMBOL, new_qty=0.002, order_id=placed.order_id, new_client_order_id="own-amended-2"
        )
        reply = complete(answer.data())
        amended = reply.amended_order
        equal(amended.orig_client_order_id, "own-amended", "origClientOrderId")
        equal(amended.client_order_id, "own-amended-2", "clientOrderId")
        decimal_text(amended.qty, "0.002", "qty")
        event = complete(await events.report("REPLACED"), allowed=("N",))
        equal((event.c, event.C, event.X), ("own-amended-2", "own-amended", "NEW"), "the report's ids and status")
        equal(event.I, reply.execution_id, "the report's execution id")
        decimal_text(event.q, "0.002", "q")
    # One cancel for all open orders of the symbol, and the end of what this operation began, whatever came of it.
    client.delete_open_orders(symbol=SYMBOL)
    await events.report("CANCELED")


POST_ONLY = {"side": "SELL", "type": "LIMIT_MAKER", "price": "61000", "quantity": "0.001"}


async def canceled_order(client, events):
    """A LIMIT_MAKER order that rests and is cancelled."""
    order_id = 0
    with operation("post-only order"):
        maker = {"symbol": SYMBOL, "side": "SELL", "type": "LIMIT_MAKER", "quantity": 0.001, "price": 61000}
        placed = client.new_order(**maker, new_client_order_id="own-2", new_order_resp_type="RESULT").data()
        complete(order_fields(placed, client_id="own-2", status="NEW", executed=0, quote=0, **POST_ONLY), ("fills",))
        order_id = placed.order_id
        # By default a post-only order is answered by its ids and its time alone.
        acknowledged = client.new_order(**maker, new_client_order_id="own-2-b").data()
        shown = {name for name, value in acknowledged.model_dump(by_alias=True).items() if value not in (None, {})}
        equal(shown, {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}, "the fields of an ACK")
        client.delete_order(symbol=SYMBOL, orig_client_order_id="own-2-b")
        await events.report("CANCELED")
    with operation("cancel"):
        answer = client.delete_order(symbol=SYMBOL, order_id=order_id, new_client_order_id="cancel-2")
        canceled = complete(answer.data())
        equal(canceled.orig_client_order_id, "own-2", "origClientOrderId")
        equal(canceled.client_order_id, "cancel-2", "clientOrderId")
        equal((canceled.status, canceled.order_id), ("CANCELED", order_id), "the order")
        decimal_text(canceled.executed_qty, 0, "executedQty")
        time_ms(canceled.transact_time, "transactTime")
    with operation("stream: cancel"):
        # The cancel's own id comes first, the order's is the original one.
        names = {"c": "cancel-2", "C": "own-2", "S": "SELL", "o": "LIMIT_MAKER", "i": order_id}
        report(
            await events.report("CANCELED"),
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
        sold = client.new_order(
            symbol=SYMBOL, side="SELL", type="MARKET", quantity=0.001, new_client_order_id="own-3"
        ).data()
        complete(
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
        )
        equal(len(sold.fills), 1, "the number of fills")
        trade = sold.fills[0]
        decimal_text(trade.price, "59999.99", "the fill's price")
        decimal_text(trade.qty, "0.001", "the fill's quantity")
        decimal_text(trade.commission, "0.05999999", "the fill's commission")
        equal((trade.commission_asset, trade.trade_id), ("USDT", 3), "the fill")
    harness.depth("0.001")
    with operation("immediate-or-cancel order"):
        bought = client.new_order(
            symbol=SYMBOL,
            side="BUY",
            type="LIMIT",
            time_in_force="IOC",
            quantity=0.003,
            price=60100,
            new_client_order_id="own-4",
        ).data()
        complete(
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
            ),
            ("expiryReason",),
        )
        equal(bought.additional_properties["expiryReason"], "UNFILLED_IOC_QUANTITY_EXPIRED", "expiryReason")
        equal([trade.trade_id for trade in bought.fills], [4], "trade ids")
    harness.depth(None)


def lists(client, order_id):
    with operation("all orders"):
        found = rows(client.all_orders(symbol=SYMBOL))
        statuses = {order.client_order_id: order.status for order in found}
        for client_id, status in {
            "own-1": "FILLED",
            "own-2": "CANCELED",
            "own-3": "FILLED",
            "own-4": "EXPIRED",
        }.items():
            equal(statuses[client_id], status, f"the status of {client_id}")
        for order in found:
            complete(order, ("expiryReason",))
        later = rows(client.all_orders(symbol=SYMBOL, order_id=found[-1].order_id, limit=1))
        equal([order.client_order_id for order in later], ["own-4"], "the page from the last order on")
    with operation("trades page by page"):
        trades, start = [], 0
        while True:
            page = rows(client.my_trades(symbol=SYMBOL, from_id=start, limit=3))
            trades += page
            if len(page) < 3:
                break
            start = page[-1].id + 1
        equal([trade.id for trade in trades], [1, 2, 3, 4], "trade ids")
        for trade in trades:
            complete(trade)
        first, third = trades[0], trades[2]
        decimal_text(first.price, "59000", "price")
        decimal_text(first.quote_qty, "59", "quoteQty")
        decimal_text(first.commission, "0.000001", "commission")
        equal((first.order_id, first.commission_asset), (order_id, "BTC"), "the first trade")
        equal((first.is_buyer, first.is_maker, third.is_buyer, third.is_maker), (True, True, False, False), "the flags")
        of_one = rows(client.my_trades(symbol=SYMBOL, order_id=order_id))
        equal([trade.id for trade in of_one], [1, 2], "the first order's trades")


def errors(client):
    limit = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC"}
    with operation("error: bad signature (-1022)"):
        refused(rest(secret="another").get_account, BadRequestError, -1022, "Signature for this request is not valid.")
    with operation("error: unknown key (-2015)"):
        refused(
            rest(key=harness.STRANGE_KEY).get_account,
            UnauthorizedError,
            -2015,
            "Invalid API-key, IP, or permissions for action.",
        )
    with operation("error: unknown order asked for (-2013)"):
        refused(lambda: client.get_order(symbol=SYMBOL, order_id=999), BadRequestError, -2013, "Order does not exist.")
    with operation("error: unknown order cancelled (-2011)"):
        refused(lambda: client.delete_order(symbol=SYMBOL, order_id=999), BadRequestError, -2011, "Unknown order sent.")
    with operation("error: duplicate order (-2010)"):
        order = {**limit, "quantity": 0.001, "price": 50000, "new_client_order_id": "own-5"}
        client.new_order(**order)
        refused(lambda: client.new_order(**order), BadRequestError, -2010, "Duplicate order sent.")
    with operation("error: insufficient balance (-2010)"):
        refused(
            lambda: client.new_order(**limit, quantity=50, price=55000),
            BadRequestError,
            -2010,
            "Account has insufficient balance for requested action.",
        )
    with operation("error: would take (-2010)"):
        refused(
            lambda: client.new_order(symbol=SYMBOL, side="BUY", type="LIMIT_MAKER", quantity=0.001, price=60100),
            BadRequestError,
            -2010,
            "Order would immediately match and take.",
        )
    with operation("error: filter failure (-1013)"):
        for quantity, price, name in (
            (0.001, 59000.001, "PRICE_FILTER"),
            (0.000115, 59000, "LOT_SIZE"),
            (0.001, 600000, "PERCENT_PRICE_BY_SIDE"),
        ):
            refused(
                lambda: client.new_order(**limit, quantity=quantity, price=price),
                BadRequestError,
                -1013,
                f"Filter failure: {name}",
            )
    with operation("error: unknown symbol (-1121)"):
        refused(lambda: client.ticker_price(symbol="NOPE"), BadRequestError, -1121, "Invalid symbol.")
    with operation("error: bad timestamp (-1021)"):
        harness.server_clock(60_000)
        refused(client.get_account, BadRequestError, -1021, "Timestamp for this request is outside of the recvWindow.")
        harness.server_clock(-60_000)
        refused(
            client.get_account,
            BadRequestError,
            -1021,
            "Timestamp for this request was 1000ms ahead of the server's time.",
        )
        harness.server_clock(0)


harness.main(run)
