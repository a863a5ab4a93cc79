//! Raw bytes to the listening socket of the simulated exchange: HTTP heads and bodies, WebSocket
//! handshakes and frames.

use std::cell::OnceCell;
use std::time::Duration;

use exchange_simulator::{Simulator, SimulatorConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use crate::examine::Seen;

/// How long an answer may take once the client has said all it has to say.
const PATIENCE: Duration = Duration::from_secs(4);

thread_local! {
    static RUNTIME: OnceCell<Runtime> = const { OnceCell::new() };
}

/// Sends the bytes, says no more, and reads until the server closes the connection.
pub(super) fn connection(input: &[u8]) -> Seen {
    RUNTIME.with(|runtime| {
        let runtime =
            runtime.get_or_init(|| Builder::new_current_thread().enable_all().build().unwrap());
        runtime.block_on(converse(input))
    })
}

async fn converse(input: &[u8]) -> Seen {
    let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let mut client = TcpStream::connect(simulator.address()).await.unwrap();
    let mut answer = Vec::new();
    let (mut reader, mut writer) = client.split();
    let talk = async {
        // The server may have heard enough before all is said.
        let said = writer.write_all(input).await.is_ok() && writer.shutdown().await.is_ok();
        let mut part = vec![0; 4_096];
        while let Ok(length @ 1..) = reader.read(&mut part).await {
            if answer.len() < 4_096 {
                answer.extend_from_slice(&part[..length]);
            }
        }
        said
    };
    let ended = tokio::time::timeout(PATIENCE, talk).await;
    simulator.shutdown().await;
    assert!(
        ended.is_ok(),
        "the connection is still open after {PATIENCE:?}"
    );
    let head = answer
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let told = String::from_utf8_lossy(&answer);
    let message = told.split("\"msg\":").nth(1).unwrap_or_default();
    Seen::Accepted(format!(
        "{head} {}",
        message.chars().take(80).collect::<String>()
    ))
}
