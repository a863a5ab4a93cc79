//! One connection through the proxy: bytes there and back, until one side ends it or we break it.

use std::io;

use tokio::net::TcpStream;

use super::link::{Mode, Orders, Way};

/// The most that goes over in one piece, bytes.
const PIECE: usize = 16 * 1024;

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// One side closed it, or it broke by itself.
    Closed,
    /// We broke it: both sides are to see a reset.
    Broken,
}

/// Carries bytes both ways until the connection ends either way.
pub(super) async fn carry(client: &TcpStream, server: &TcpStream, orders: Orders) {
    // Small pieces must not wait: delays here are made on purpose or not at all.
    drop(client.set_nodelay(true));
    drop(server.set_nodelay(true));
    let end = tokio::select! {
        end = pump(client, server, Way::Out, orders.clone()) => end,
        end = pump(server, client, Way::Back, orders.clone()) => end,
        end = broken(orders) => end,
    };
    if end == End::Broken {
        // What is closed without lingering is reset, and what was still under way is gone.
        drop(client.set_zero_linger());
        drop(server.set_zero_linger());
    }
}

/// Waits until every connection is to break.
async fn broken(mut orders: Orders) -> End {
    orders.resets.borrow_and_update();
    let refused = orders.mode.wait_for(|mode| *mode == Mode::Refuse);
    tokio::select! {
        _ = refused => {}
        _ = orders.resets.changed() => {}
    }
    End::Broken
}

/// Carries bytes one way.
async fn pump(from: &TcpStream, to: &TcpStream, way: Way, mut orders: Orders) -> End {
    let mut piece = vec![0; PIECE];
    let mut lost = false;
    loop {
        let mode = *orders.mode.borrow_and_update();
        if lost && !mode.loses(way) {
            // Without what was lost the rest makes no sense to anybody.
            return End::Broken;
        }
        let read = async {
            if mode.stalls(way) {
                return std::future::pending().await;
            }
            read(from, &mut piece).await
        };
        let length = tokio::select! {
            changed = orders.mode.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return End::Closed,
            },
            read = read => match read {
                Ok(length) if length > 0 => length,
                Ok(_) | Err(_) => return End::Closed,
            },
        };
        if mode.loses(way) {
            lost = true;
            continue;
        }
        let cut = orders.cut.take(way, length);
        let piece = piece.get(..cut.unwrap_or(length)).unwrap_or_default();
        if write(to, piece).await.is_err() {
            return End::Closed;
        }
        if cut.is_some() {
            return End::Broken;
        }
    }
}

async fn read(from: &TcpStream, piece: &mut [u8]) -> io::Result<usize> {
    loop {
        from.readable().await?;
        match from.try_read(piece) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
    }
}

async fn write(to: &TcpStream, mut piece: &[u8]) -> io::Result<()> {
    while !piece.is_empty() {
        to.writable().await?;
        match to.try_write(piece) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => piece = piece.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
