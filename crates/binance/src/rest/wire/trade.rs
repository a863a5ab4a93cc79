//! Trades as `GET /api/v3/myTrades` lists them (rest-api.md).

use domain::{Asset, ExchangeOrderId, ExchangeTime, Price, Quantity, QuoteAmount, Trade, TradeId};
use serde::Deserialize;
use trading::ExchangeError;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedTrade {
    id: i64,
    order_id: i64,
    price: Price,
    qty: Quantity,
    quote_qty: QuoteAmount,
    commission: Quantity,
    commission_asset: Option<String>,
    time: i64,
    is_maker: bool,
}

/// One page of the trades of `order`, as listed.
pub(crate) fn read_trades(
    body: &[u8],
    order: ExchangeOrderId,
) -> Result<Vec<Trade>, ExchangeError> {
    let trades: Vec<ListedTrade> = super::read("a list of trades", body)?;
    trades
        .into_iter()
        .map(|trade| {
            let id = trade.id;
            trade.into_trade(order).map_err(|what| {
                ExchangeError::Unavailable(format!("trade {id} of order {order} shows {what}"))
            })
        })
        .collect()
}

impl ListedTrade {
    fn into_trade(self, order: ExchangeOrderId) -> Result<Trade, &'static str> {
        if self.order_id != order.0 {
            return Err("another order");
        }
        if self.id < 0 {
            return Err("an id below zero");
        }
        if self.qty.is_zero() {
            return Err("a quantity of zero");
        }
        if self.quote_qty < QuoteAmount::ZERO {
            return Err("a quote amount below zero");
        }
        let asset = match self.commission_asset.as_deref() {
            None | Some("") => None,
            Some(text) => Some(
                text.parse::<Asset>()
                    .map_err(|_malformed| "a malformed asset")?,
            ),
        };
        Ok(Trade {
            id: TradeId(self.id),
            price: self.price,
            quantity: self.qty,
            quote: self.quote_qty,
            fee: super::order::fee(self.commission, asset)?,
            maker: self.is_maker,
            time: ExchangeTime::from_millis(self.time),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = r#"[{"symbol":"BNBBTC","id":28457,"orderId":100234,"orderListId":-1,"price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012","commission":"10.10000000","commissionAsset":"BNB","time":1499865549590,"isBuyer":true,"isMaker":false,"isBestMatch":true}]"#;

    fn read(body: &str) -> Result<Vec<Trade>, ExchangeError> {
        read_trades(body.as_bytes(), ExchangeOrderId(100_234))
    }

    #[test]
    fn reads_a_trade_as_listed() {
        let trades = read(LISTED).unwrap();
        let trade = trades.first().unwrap();
        assert_eq!(trade.id, TradeId(28457));
        assert_eq!(trade.quote, "48.000012".parse().unwrap());
        assert_eq!(trade.fee.as_ref().unwrap().amount, "10.1".parse().unwrap());
        assert!(!trade.maker);
        assert_eq!(trade.time.as_millis(), 1_499_865_549_590);
    }

    #[test]
    fn no_commission_is_no_fee() {
        for (amount, asset) in [("0", "\"BNB\""), ("0.00000000", "null"), ("0", "\"\"")] {
            let body = LISTED
                .replace("10.10000000", amount)
                .replace("\"BNB\"", asset);
            assert_eq!(read(&body).unwrap().first().unwrap().fee, None);
        }
    }

    #[test]
    fn nothing_is_guessed() {
        for (from, to, word) in [
            ("\"commissionAsset\":\"BNB\",", "", "without its asset"),
            ("\"BNB\"", "\"\"", "without its asset"),
            ("\"BNB\"", "\"B N B\"", "malformed asset"),
            ("\"orderId\":100234", "\"orderId\":7", "another order"),
            ("\"id\":28457", "\"id\":-1", "id below zero"),
            ("\"12.00000000\"", "\"0.00000000\"", "quantity of zero"),
            ("\"48.000012\"", "\"-48.000012\"", "quote amount below zero"),
            ("\"commission\":\"10.10000000\",", "", "commission"),
            ("\"quoteQty\":\"48.000012\",", "", "quoteQty"),
            ("\"4.00000100\"", "4.1", "price"),
            ("\"isMaker\":false,", "", "isMaker"),
        ] {
            let body = LISTED.replace(from, to);
            assert_ne!(body, LISTED);
            let error = read(&body).unwrap_err().to_string();
            assert!(error.contains("trade"), "{error}");
            assert!(word == "price" || error.contains(word), "{error}");
        }
    }
}
