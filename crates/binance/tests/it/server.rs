//! A raw TCP server whose every answer a test writes by hand, and a client that talks to it.
//!
//! It records each request it read, so a test can count what left the client. It knows nothing of
//! HTTP beyond finding the end of a request.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use binance::{AddressConfig, Credentials, RestAddress, RestClient};
use domain::{ExchangeTime, Intent, LocalTime, OrderKind, Price, Purpose, Quantity, Side};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use trading::NewOrder;

/// What the server does after it has read a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Sends these bytes and keeps the connection.
    Send(Vec<u8>),
    /// Sends these bytes and closes the connection, without a word about it.
    SendAndClose(Vec<u8>),
    /// Sends these bytes and resets the connection.
    SendAndReset(Vec<u8>),
    /// Sends these bytes and then the same block over and over.
    SendForEver(Vec<u8>, Vec<u8>),
    /// Sends these bytes and nothing more.
    FallSilent(Vec<u8>),
}

/// One request as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) head: String,
    /// Which connection it came over, counted from 0.
    pub(crate) connection: usize,
}

impl Request {
    /// The value of one parameter, still encoded.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }
}

type Script = Arc<Mutex<dyn FnMut(&Request) -> Answer + Send>>;

/// The server. Stops when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
    closed: Arc<tokio::sync::Semaphore>,
    _tasks: JoinSet<()>,
}

impl Server {
    pub(crate) async fn start(script: impl FnMut(&Request) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let closed = Arc::new(tokio::sync::Semaphore::new(0));
        let script: Script = Arc::new(Mutex::new(script));
        let mut tasks = JoinSet::new();
        let (record, closing) = (Arc::clone(&seen), Arc::clone(&closed));
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (record, script) = (Arc::clone(&record), Arc::clone(&script));
                let closing = Arc::clone(&closing);
                connections.spawn(async move {
                    serve(stream, number, &record, &script).await;
                    closing.add_permits(1);
                });
            }
        });
        Self {
            address,
            seen,
            closed,
            _tasks: tasks,
        }
    }

    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// How many requests of a method and path were read.
    pub(crate) fn count(&self, method: &str, path: &str) -> usize {
        self.seen()
            .iter()
            .filter(|request| request.method == method && request.path == path)
            .count()
    }

    pub(crate) fn orders(&self) -> usize {
        self.count("POST", "/api/v3/order")
    }

    /// Waits until one more connection has been closed from this side.
    pub(crate) async fn one_closed(&self) {
        self.closed.acquire().await.unwrap().forget();
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// An account's connection to this server, whose clock shows what the test sets.
    pub(crate) fn client(&self, clock: &TestClock) -> RestClient {
        self.client_with(AddressConfig::new(&self.base_url()), clock)
    }

    /// The same for an exchange that falls silent.
    pub(crate) fn impatient_client(&self, clock: &TestClock) -> RestClient {
        let mut config = AddressConfig::new(&self.base_url());
        config.place_timeout = Duration::from_millis(300);
        config.query_timeout = Duration::from_millis(300);
        self.client_with(config, clock)
    }

    pub(crate) fn client_with(&self, config: AddressConfig, clock: &TestClock) -> RestClient {
        let clock = clock.clone();
        let address = RestAddress::open(config, Arc::new(move || clock.now())).unwrap();
        client_at(&address, "main")
    }
}

/// An account's connection at an address that may have others.
pub(crate) fn client_at(address: &Arc<RestAddress>, account: &str) -> RestClient {
    let credentials = Credentials::hmac("publickey", "secret").unwrap();
    RestClient::new(address, account.parse().unwrap(), credentials)
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    record: &Mutex<Vec<Request>>,
    script: &Script,
) {
    while let Some(request) = read_request(&mut stream, connection).await {
        let answer = (script.lock().unwrap())(&request);
        record.lock().unwrap().push(request);
        match answer {
            Answer::Send(bytes) => stream.write_all(&bytes).await.unwrap(),
            Answer::SendAndClose(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                return;
            }
            Answer::SendAndReset(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                stream.set_zero_linger().unwrap();
                return;
            }
            Answer::SendForEver(bytes, block) => {
                stream.write_all(&bytes).await.unwrap();
                while stream.write_all(&block).await.is_ok() {}
                return;
            }
            Answer::FallSilent(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                std::future::pending().await
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream, connection: usize) -> Option<Request> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(bytes).unwrap();
    let length = head
        .lines()
        .filter_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length:")
                .map(str::to_owned)
        })
        .map(|length| length.trim().parse::<usize>().unwrap())
        .sum();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    assert!(
        body.is_empty(),
        "everything is sent in the query, where it is signed"
    );
    let mut words = head.split(' ');
    let method = words.next().unwrap().to_owned();
    let target = words.next().unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Some(Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        head: head.clone(),
        connection,
    })
}

/// A whole HTTP reply.
pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!(
        "HTTP/1.1 {status} Any\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

pub(crate) fn ok(body: &str) -> Answer {
    Answer::Send(reply(200, &[], body))
}

pub(crate) fn no(status: u16, body: &str) -> Answer {
    Answer::Send(reply(status, &[], body))
}

pub(crate) fn server_time(millis: i64) -> Answer {
    ok(&format!("{{\"serverTime\":{millis}}}"))
}

/// A clock that shows what the test sets.
#[derive(Debug, Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

/// Where every test's clock starts: on a full minute.
pub(crate) const START: i64 = 1_790_000_040_000;

impl TestClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(START)))
    }

    pub(crate) fn now(&self) -> LocalTime {
        LocalTime::from_millis(self.0.load(Ordering::SeqCst))
    }

    pub(crate) fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

/// The order every test places.
pub(crate) fn order() -> NewOrder {
    NewOrder {
        symbol: "XRPETH".parse().unwrap(),
        client_order_id: "gk-abcd-7-12".parse().unwrap(),
        intent: Intent {
            side: Side::Buy,
            price: "3.1064".parse::<Price>().unwrap(),
            quantity: "10".parse::<Quantity>().unwrap(),
            kind: OrderKind::Limit,
            purpose: Purpose::Grid,
        },
        expire_taker: true,
    }
}

pub(crate) const fn timestamp() -> ExchangeTime {
    ExchangeTime::from_millis(START + 123)
}

/// The exchange's reply to it.
pub(crate) const PLACED: &str = r#"{"symbol":"XRPETH","orderId":28,"orderListId":-1,"clientOrderId":"gk-abcd-7-12","transactTime":1790000000700,"price":"3.10640000","origQty":"10.00000000","executedQty":"0.00000000","origQuoteOrderQty":"0.000000","cummulativeQuoteQty":"0.00000000","status":"NEW","timeInForce":"GTC","type":"LIMIT","side":"BUY","workingTime":1790000000700,"selfTradePreventionMode":"EXPIRE_TAKER","fills":[]}"#;
