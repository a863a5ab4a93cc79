"""What the Python scripts of this folder share: the simulator's address, its control calls, and the report.

A script runs every operation of `operations.txt` and prints one line for each to standard output:
`pass`, `fail` or `absent`, the operation and the reason, separated by tabs. Everything else goes to standard error.
The scripts expect the simulator that `cargo xtask clients` starts for each of them anew: one account, and a price of
60000.00 that does not move.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import traceback
import urllib.request
from decimal import Decimal

REST = os.environ["SIMULATOR_REST"]
WEB_SOCKET = os.environ["SIMULATOR_WS"]
KEY = os.environ["SIMULATOR_KEY"]
SECRET = os.environ["SIMULATOR_SECRET"]

# Of the form of a key, but unknown.
STRANGE_KEY = "strangeKeyThatOpensNothing" + "0" * 38

SYMBOL = "BTCUSDT"

# What the default account starts with: 5 USDT, the smallest order, half a million times over; the same worth of BTC
# to five decimals and one smallest quantity; and 100 BNB.
FIRST_USDT = Decimal("2500000")
FIRST_BTC = Decimal("41.66668")
FIRST_BNB = Decimal("100")

# Both rates of the default account.
RATE = Decimal("0.001")

# The whole run of one client takes a few seconds.
ALLOWED_SECONDS = 90

# An event follows its cause within milliseconds.
EVENT_SECONDS = 10


def out_of_time(_signal, _frame):
    raise SystemExit(f"gave up after {ALLOWED_SECONDS} seconds")


signal.signal(signal.SIGALRM, out_of_time)
signal.alarm(ALLOWED_SECONDS)


def say(result, operation, reason=""):
    """Reports one operation."""
    print(result, operation, " ".join(str(reason).split()), sep="\t", flush=True)


# Reasons an operation failed that its own code does not raise, such as warnings of a library; a script may add some.
complaints = []


@contextlib.contextmanager
def operation(name):
    """Reports what the block does: it fails by raising, or by leaving a complaint behind."""
    complaints.clear()
    try:
        yield
    except Exception as error:  # pylint: disable=broad-except
        traceback.print_exc()
        say("fail", name, f"{type(error).__name__}: {error}")
        return
    if complaints:
        say("fail", name, "; ".join(complaints))
    else:
        say("pass", name)


def absent(name, reason):
    """Reports an operation that this version of the client does not offer."""
    say("absent", name, reason)


def equal(found, expected, what):
    """Fails unless a value is the expected one, of the same type."""
    if type(found) is not type(expected) or found != expected:
        raise AssertionError(f"{what} is {found!r}, expected {expected!r}")


def decimal_text(found, expected, what):
    """Fails unless a value is a text of eight decimals, as the exchange writes amounts, and the expected one."""
    if not isinstance(found, str):
        raise AssertionError(f"{what} is {found!r}, expected a text")
    if found != f"{Decimal(expected):.8f}":
        raise AssertionError(f"{what} is {found!r}, expected {Decimal(expected):.8f}")


def time_ms(found, what):
    """Fails unless a value is a time in milliseconds of this century."""
    if type(found) is not int or not 1_700_000_000_000 < found < 4_000_000_000_000:
        raise AssertionError(f"{what} is {found!r}, expected a time in milliseconds")


def raised(expected, call):
    """Returns the error of an expected class that a call raises; anything else fails."""
    try:
        answer = call()
    except expected as error:
        return error
    raise AssertionError(f"answered {answer!r}, expected {expected.__name__}")


async def raised_async(expected, call):
    """The same for something awaited."""
    try:
        answer = await call
    except expected as error:
        return error
    raise AssertionError(f"answered {answer!r}, expected {expected.__name__}")


def control(path, **command):
    """Commands the simulator (`/sim/...`)."""
    request = urllib.request.Request(
        f"{REST}/sim/{path}",
        data=json.dumps(command).encode(),
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        reply.read()


def fill(order_id, trades):
    """Fills a resting order at its own price in so many trades."""
    control("market", do="fill", symbol=SYMBOL, orderId=order_id, trades=trades)


def depth(quantity):
    """How much base one taking order finds; none for no bound."""
    control("market", do="outside", symbol=SYMBOL, spreadTicks=1, depth=quantity, maxTradeQuantity=None)


def server_clock(offset_ms):
    """Sets the exchange's clock apart from this machine's."""
    control("control", do="clock", offsetMs=offset_ms)


def main(run):
    """Runs a script's one coroutine; a script that ends early leaves operations unreported, which counts as failed."""
    asyncio.run(run())
    sys.stdout.flush()
