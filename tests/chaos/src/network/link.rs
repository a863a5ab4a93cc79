//! One way to the exchange, and what is wrong with it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::pair;

/// How many connections may wait to be taken.
const BACKLOG: u32 = 256;

/// A direction, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// To the exchange.
    Out,
    /// From the exchange.
    Back,
    Both,
}

impl Way {
    const fn covers(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Both, _) | (Self::Out, Self::Out) | (Self::Back, Self::Back)
        )
    }
}

/// What a link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Everything goes through.
    Whole,
    /// Nobody gets a connection, and those there were are reset.
    Refuse,
    /// Bytes are held back, and go on when the link is whole again.
    Stall(Way),
    /// Bytes are lost. A connection that lost some is reset when the link is whole again.
    Lose(Way),
}

impl Mode {
    pub(super) fn stalls(self, way: Way) -> bool {
        matches!(self, Self::Stall(stalled) if stalled.covers(way))
    }

    pub(super) fn loses(self, way: Way) -> bool {
        matches!(self, Self::Lose(lost) if lost.covers(way))
    }
}

/// What connections of a link are told.
#[derive(Debug, Clone)]
pub(super) struct Orders {
    pub(super) mode: watch::Receiver<Mode>,
    /// Counts the times at which all connections break.
    pub(super) resets: watch::Receiver<u64>,
    pub(super) cut: Arc<Cut>,
}

/// A cut in the middle of what goes over: the next piece that goes this way breaks off after so many bytes.
#[derive(Debug, Default)]
pub(super) struct Cut {
    out: AtomicU64,
    back: AtomicU64,
}

impl Cut {
    const fn of(&self, way: Way) -> &AtomicU64 {
        match way {
            Way::Out | Way::Both => &self.out,
            Way::Back => &self.back,
        }
    }

    /// How many bytes of a piece still go over, if it is the one to be cut.
    pub(super) fn take(&self, way: Way, length: usize) -> Option<usize> {
        let after = self.of(way).swap(0, Ordering::Relaxed);
        let after = usize::try_from(after).ok().filter(|after| *after > 0)?;
        Some(after.min(length.saturating_sub(1)))
    }
}

/// One way to the exchange.
#[derive(Debug)]
pub(crate) struct Link {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    resets: watch::Sender<u64>,
    cut: Arc<Cut>,
    /// Bound, never listening: nobody else gets the port while the link refuses.
    _port: TcpSocket,
    /// Ends with the link.
    _serving: JoinSet<()>,
}

impl Link {
    pub(super) async fn to(exchange: SocketAddr) -> anyhow::Result<Self> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let port = bind(any).context("no port on 127.0.0.1")?;
        let address = port.local_addr()?;
        // Proven before anybody relies on it.
        let listener = listen(address).context("the proxy's port cannot be listened on")?;
        let (mode, modes) = watch::channel(Mode::Whole);
        let (resets, told) = watch::channel(0);
        let cut = Arc::new(Cut::default());
        let orders = Orders {
            mode: modes,
            resets: told,
            cut: Arc::clone(&cut),
        };
        let mut serving = JoinSet::new();
        serving.spawn(serve(address, Some(listener), exchange, orders));
        Ok(Self {
            address,
            mode,
            resets,
            cut,
            _port: port,
            _serving: serving,
        })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on it does this.
    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Every connection is reset now.
    pub(crate) fn reset_all(&self) {
        self.resets.send_modify(|resets| *resets += 1);
    }

    /// The next piece that goes this way breaks off after so many bytes (at least one), and its connection is reset.
    pub(crate) fn cut_after(&self, way: Way, bytes: u64) {
        self.cut.of(way).store(bytes.max(1), Ordering::Relaxed);
    }
}

/// Several sockets may be bound to the port, of which at most one listens.
fn bind(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    bind(address)?.listen(BACKLOG)
}

/// Takes connections while the link does not refuse.
async fn serve(
    address: SocketAddr,
    mut listener: Option<TcpListener>,
    exchange: SocketAddr,
    mut orders: Orders,
) {
    let mut pairs = JoinSet::new();
    loop {
        let refuses = *orders.mode.borrow_and_update() == Mode::Refuse;
        if refuses {
            listener = None;
        } else if listener.is_none() {
            // The port is ours, so this fails only where a machine has no more sockets; then it stays refused.
            listener = listen(address).ok();
        }
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = orders.mode.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            taken = accepted => {
                if let Ok((client, _)) = taken {
                    pairs.spawn(carry(client, exchange, orders.clone()));
                }
            }
            Some(_) = pairs.join_next() => {}
        }
    }
}

/// Carries one connection to its end.
async fn carry(client: TcpStream, exchange: SocketAddr, orders: Orders) {
    // An exchange that cannot be reached shows as a connection that closes.
    if let Ok(server) = TcpStream::connect(exchange).await {
        pair::carry(&client, &server, orders).await;
    }
}
