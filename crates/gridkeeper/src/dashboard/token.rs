//! The token that opens the dashboard, and the port it was last found at: both outlast the process, so that an
//! open page goes on after a restart.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rand::TryRngCore as _;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::failure::Failure;

/// The file in the data folder.
const FILE: &str = "dashboard.json";

/// Random bytes of a token.
const BYTES: usize = 16;

/// Where the page is looked for first.
const PORT: u16 = 9460;

/// More than the file ever holds.
const MAX_FILE: u64 = 4_096;

/// Opens the dashboard to whoever knows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

/// What is kept between two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Door {
    token: Token,
    port: u16,
}

impl Token {
    fn random() -> Result<Self, Failure> {
        let mut bytes = [0_u8; BYTES];
        OsRng.try_fill_bytes(&mut bytes).map_err(|error| {
            Failure::refused(format!("the system gives no random bytes: {error}"))
        })?;
        let hex = bytes.iter().map(|byte| format!("{byte:02x}"));
        Ok(Self(hex.collect()))
    }

    /// Whether `given` is this token. Takes as long whatever of it is wrong.
    pub(super) fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Door {
    /// One that is forgotten with the process.
    ///
    /// # Errors
    /// [`Failure`] when the system gives no random bytes.
    pub(super) fn for_once() -> Result<Self, Failure> {
        Ok(Self {
            token: Token::random()?,
            port: PORT,
        })
    }

    /// The one of a data folder; made if there is none.
    ///
    /// # Errors
    /// [`Failure`] when its file cannot be read or written, or is open to other users.
    pub(super) fn of_folder(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(FILE);
        match read(&path)? {
            Some(door) => Ok(door),
            None => {
                let door = Self::for_once()?;
                door.write(&path)?;
                Ok(door)
            }
        }
    }

    /// Keeps the port for the next run.
    ///
    /// # Errors
    /// [`Failure`] when the file cannot be written.
    pub(super) fn keep_port(&mut self, folder: &Path, port: u16) -> Result<(), Failure> {
        if self.port == port {
            return Ok(());
        }
        self.port = port;
        self.write(&folder.join(FILE))
    }

    pub(super) const fn token(&self) -> &Token {
        &self.token
    }

    /// Where to listen, most wanted first: where it was, where it is looked for, anywhere.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let mut ports = vec![self.port, PORT, 0];
        ports.dedup();
        let here = |port| SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port));
        ports.into_iter().map(here).collect()
    }

    /// Writes the file whole or not at all.
    fn write(&self, path: &Path) -> Result<(), Failure> {
        let draft = path.with_extension(format!("{}.draft", std::process::id()));
        let text = serde_json::to_string(self).map_err(Failure::refused)?;
        let written = write_draft(&draft, &text).and_then(|()| std::fs::rename(&draft, path));
        written.map_err(|error| in_file(path, &error))
    }
}

fn in_file(path: &Path, error: &io::Error) -> Failure {
    Failure::refused(format!("the dashboard's token cannot be kept: {error}"))
        .at(path.display())
        .mend("make room or the folder writable; `--dashboard off` goes on without a dashboard")
}

fn read(path: &PathBuf) -> Result<Option<Door>, Failure> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(in_file(path, &error)),
    };
    let mode = file
        .metadata()
        .map_err(|error| in_file(path, &error))?
        .mode()
        & 0o777;
    if mode & 0o077 != 0 {
        return Err(Failure::bad_input(format!(
            "the dashboard's token may be read by other users (mode {mode:03o})"
        ))
        .at(path.display())
        .mend(format!(
            "remove it: `rm {}`; another token is made at the next start",
            path.display()
        )));
    }
    let mut text = String::new();
    file.take(MAX_FILE)
        .read_to_string(&mut text)
        .map_err(|error| in_file(path, &error))?;
    let door: Option<Door> = serde_json::from_str(&text).ok();
    let door = door.filter(|door| door.token.0.len() == BYTES * 2);
    door.map(Some).ok_or_else(|| {
        Failure::bad_input("the dashboard's token cannot be read")
            .at(path.display())
            .mend(format!(
                "remove it: `rm {}`; another token is made at the next start",
                path.display()
            ))
    })
}

fn write_draft(draft: &Path, text: &str) -> io::Result<()> {
    // One left behind by a process that died here and had the same number.
    match std::fs::remove_file(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn token_and_port_outlast_the_process_and_nobody_else_may_read_them() {
        let dir = tempfile::tempdir().unwrap();
        let mut door = Door::of_folder(dir.path()).unwrap();
        assert_eq!(door.addresses().len(), 2);
        door.keep_port(dir.path(), 4_321).unwrap();
        let again = Door::of_folder(dir.path()).unwrap();
        assert_eq!(again, door);
        assert!(again.token().is(door.token().as_str()));
        let ports: Vec<u16> = again.addresses().iter().map(SocketAddr::port).collect();
        assert_eq!(ports, [4_321, PORT, 0]);
        let path = dir.path().join(FILE);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let failure = Door::of_folder(dir.path()).unwrap_err();
        assert!(failure.to_string().contains("other users"), "{failure}");
    }

    #[test]
    fn a_file_that_is_no_token_is_refused_and_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        for text in ["", "{}", r#"{"token":"","port":1}"#] {
            write_draft(&path, text).unwrap();
            let failure = Door::of_folder(dir.path()).unwrap_err();
            assert!(failure.to_string().contains("remove it"), "{failure}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn tokens_differ_and_only_the_whole_one_opens() {
        let (one, other) = (Token::random().unwrap(), Token::random().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.as_str().len(), 32);
        assert!(one.is(one.as_str()));
        assert!(!one.is(other.as_str()) && !one.is("") && !one.is(&one.as_str()[..31]));
        assert!(!format!("{one:?}").contains(one.as_str()));
    }
}
