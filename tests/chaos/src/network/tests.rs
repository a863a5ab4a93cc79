//! A link before an exchange that says back what it hears.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Link, Mode, Way};

/// Nothing may come within it. What does come is waited for by itself.
const A_MOMENT: Duration = Duration::from_millis(200);

const PATIENCE: Duration = Duration::from_secs(30);

/// A link to an echo, and what keeps that alive.
async fn link() -> (Link, JoinSet<()>) {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = TcpListener::bind(any).await.unwrap();
    let echo = listener.local_addr().unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut conversations = JoinSet::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            conversations.spawn(async move {
                let (mut read, mut write) = stream.split();
                // It ends as the test breaks it.
                drop(tokio::io::copy(&mut read, &mut write).await);
            });
        }
    });
    (Link::to(echo).await.unwrap(), serving)
}

async fn connect(link: &Link) -> TcpStream {
    TcpStream::connect(link.address()).await.unwrap()
}

/// Reads so many bytes, or gives the kind of error that came instead; `None` at the end of the connection.
async fn read(stream: &mut TcpStream, most: usize) -> Result<Option<Vec<u8>>, ErrorKind> {
    let mut bytes = vec![0; most];
    let read = timeout(PATIENCE, stream.read(&mut bytes)).await.unwrap();
    let length = read.map_err(|error| error.kind())?;
    bytes.truncate(length);
    Ok((length > 0).then_some(bytes))
}

async fn says_back(stream: &mut TcpStream, words: &[u8]) {
    stream.write_all(words).await.unwrap();
    let mut heard = vec![0; words.len()];
    timeout(PATIENCE, stream.read_exact(&mut heard))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(heard, words);
}

#[tokio::test]
async fn a_whole_link_carries_everything_both_ways() {
    let (link, _echo) = link().await;
    let mut stream = connect(&link).await;
    says_back(&mut stream, b"hello").await;
    let long: Vec<u8> = (0..=250).cycle().take(100_000).collect();
    let (mut reading, mut writing) = stream.split();
    let mut heard = vec![0; long.len()];
    let both = async { tokio::try_join!(writing.write_all(&long), reading.read_exact(&mut heard)) };
    timeout(PATIENCE, both).await.unwrap().unwrap();
    assert_eq!(heard, long);
}

#[tokio::test]
async fn a_link_that_refuses_breaks_what_there_is_and_takes_nobody_until_it_is_whole() {
    let (link, _echo) = link().await;
    let mut stream = connect(&link).await;
    says_back(&mut stream, b"hello").await;
    link.set(Mode::Refuse);
    assert_eq!(read(&mut stream, 1).await, Err(ErrorKind::ConnectionReset));
    // The listener goes a moment after connections do.
    let refused = async {
        loop {
            match TcpStream::connect(link.address()).await {
                Err(error) => return error.kind(),
                Ok(stream) => drop(stream),
            }
        }
    };
    let refused = timeout(PATIENCE, refused).await.unwrap();
    assert_eq!(refused, ErrorKind::ConnectionRefused);
    link.set(Mode::Whole);
    let again = async {
        loop {
            if let Ok(stream) = TcpStream::connect(link.address()).await {
                return stream;
            }
        }
    };
    let mut stream = timeout(PATIENCE, again).await.unwrap();
    says_back(&mut stream, b"hello").await;
}

#[tokio::test]
async fn a_link_that_stalls_holds_bytes_back_and_loses_none() {
    for way in [Way::Out, Way::Back, Way::Both] {
        let (link, _echo) = link().await;
        let mut stream = connect(&link).await;
        says_back(&mut stream, b"hello").await;
        link.set(Mode::Stall(way));
        stream.write_all(b"held").await.unwrap();
        let nothing = timeout(A_MOMENT, stream.peek(&mut [0])).await;
        assert!(nothing.is_err(), "{way:?}");
        link.set(Mode::Whole);
        assert_eq!(read(&mut stream, 4).await, Ok(Some(b"held".to_vec())));
    }
}

#[tokio::test]
async fn a_link_that_loses_bytes_breaks_their_connection_once_it_is_whole() {
    for way in [Way::Out, Way::Back] {
        let (link, _echo) = link().await;
        let mut stream = connect(&link).await;
        let mut untouched = connect(&link).await;
        says_back(&mut stream, b"hello").await;
        says_back(&mut untouched, b"hello").await;
        link.set(Mode::Lose(way));
        stream.write_all(b"lost").await.unwrap();
        let nothing = timeout(A_MOMENT, stream.peek(&mut [0])).await;
        assert!(nothing.is_err(), "{way:?}");
        link.set(Mode::Whole);
        assert_eq!(read(&mut stream, 4).await, Err(ErrorKind::ConnectionReset));
        says_back(&mut untouched, b"hello").await;
    }
}

#[tokio::test]
async fn a_cut_breaks_off_one_piece_and_the_next_connection_is_whole() {
    let (link, _echo) = link().await;
    let mut stream = connect(&link).await;
    link.cut_after(Way::Back, 3);
    stream.write_all(b"hello").await.unwrap();
    // What went over before the reset may be gone with it.
    match read(&mut stream, 5).await {
        Ok(Some(part)) => {
            assert_eq!(part, b"hel");
            assert_eq!(read(&mut stream, 5).await, Err(ErrorKind::ConnectionReset));
        }
        broken => assert_eq!(broken, Err(ErrorKind::ConnectionReset)),
    }
    let mut stream = connect(&link).await;
    says_back(&mut stream, b"hello").await;
    link.cut_after(Way::Out, 3);
    stream.write_all(b"hello").await.unwrap();
    let heard = read(&mut stream, 5).await;
    assert!(
        matches!(&heard, Err(ErrorKind::ConnectionReset)) || heard == Ok(Some(b"hel".to_vec())),
        "{heard:?}"
    );
}

#[tokio::test]
async fn a_reset_breaks_every_connection_of_its_moment() {
    let (link, _echo) = link().await;
    let mut first = connect(&link).await;
    let mut second = connect(&link).await;
    says_back(&mut first, b"hello").await;
    says_back(&mut second, b"hello").await;
    link.reset_all();
    assert_eq!(read(&mut first, 1).await, Err(ErrorKind::ConnectionReset));
    assert_eq!(read(&mut second, 1).await, Err(ErrorKind::ConnectionReset));
    let mut stream = connect(&link).await;
    says_back(&mut stream, b"hello").await;
}
