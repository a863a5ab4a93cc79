"""What Binance's own models say of a reply: that it was read through its model without help, and is complete.

The models are generated from Binance's own description of the API. They type every field strictly; the library logs a
warning where it falls back to less strict types or to raw JSON. Beyond that, a reply must have every field of its
model that is not known to be conditional, and, where the library keeps what its model does not know, no other.
"""

import logging

from pydantic import BaseModel

import harness


class Complaints(logging.Handler):
    """Takes what the library warns of as a failure of the operation under way."""

    def emit(self, record):
        if record.levelno >= logging.WARNING:
            harness.complaints.append(record.getMessage())


logging.getLogger().addHandler(Complaints())

# Fields of the models that a reply has only under some condition, with the documents' words for it. `stopPrice` and
# `icebergQty` are always there in queried orders, which is asked for where those are looked at.
CONDITIONAL = {
    "present only when SOR is available": ["sors"],
    "only for orders that expired due to STP": [
        "v",
        "A",
        "B",
        "u",
        "U",
        "Cs",
        "pl",
        "pL",
        "pY",
        "preventedMatchId",
        "preventedQuantity",
    ],
    "only for trailing stop orders": ["d", "D", "trailingDelta", "trailingTime"],
    "only if the parameter was provided": ["j", "J", "strategyId", "strategyType", "icebergQty"],
    "only for stop orders": ["stopPrice"],
    "only for orders that have or may have allocations": ["b", "a", "k", "uS", "usedSor", "workingFloor"],
    "only for pegged orders": [
        "gP",
        "gOT",
        "gOV",
        "gp",
        "pegPriceType",
        "pegOffsetType",
        "pegOffsetValue",
        "peggedPrice",
    ],
    "when the order has expired": ["eR", "expiryReason"],
    "for an order that is part of an order list": ["listStatus"],
    # The models have them from the schema of the binary form; filters.md prints none of them.
    "only in the binary form (SBE)": ["priceExponent", "qtyExponent", "multiplierExponent"],
}
CONDITIONAL_FIELDS = {name for names in CONDITIONAL.values() for name in names}


def complete(model, allowed=(), where=""):
    """Fails unless a model has all its fields but conditional and allowed ones, and none it does not know."""
    where = where or type(model).__name__
    if not isinstance(model, BaseModel):
        raise AssertionError(f"{where} was not read into its model: {model!r}")
    instance = getattr(model, "actual_instance", None)
    if instance is not None:
        return complete(instance, allowed, f"{where}/{type(instance).__name__}")
    unknown = set(getattr(model, "additional_properties", {})) - set(allowed) - {"e"}
    if unknown:
        raise AssertionError(f"{where} has fields the model does not know: {sorted(unknown)}")
    for name, field in type(model).model_fields.items():
        wire = field.alias or name
        if name == "additional_properties" or wire in allowed:
            continue
        value = getattr(model, name)
        if value is None and wire not in CONDITIONAL_FIELDS:
            raise AssertionError(f"{where} has no {wire}")
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, BaseModel):
                complete(item, allowed, f"{where}.{wire}")
    return model
