//! Where everything is kept: the data folder of one machine, or a deployment on AWS.
//!
//! Start at [`Home::open`] for commands, which work beside a running `up`, or at [`Home::own`] for
//! `up` itself, which has to be alone. Never overwrites what it cannot read.

use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dynamo_store::{
    Durability, DynamoStore, Identity, OpenedStore, folder_identity, open_data_dir,
};
use trading::{RECOVERY_EVERY, RECOVERY_EVERY_ON_AWS};

use crate::connections::{LocalExchanges, connections};
use crate::environs::Environs;
use crate::failure::Failure;
use crate::keys::KeyFile;
use crate::vault::Vault;

/// What an acknowledged commit survives unless somebody asks for less: the loss of power too.
const DURABILITY: Durability = Durability::PowerLoss;

/// An opened data folder, or a deployment on AWS.
#[derive(Debug)]
pub struct Home {
    place: Place,
    store: DynamoStore,
    vault: Vault,
    exchanges: LocalExchanges,
    environs: Environs,
    /// Whether this process is the one that looks after the bots.
    attended: bool,
}

/// Where it is.
#[derive(Debug)]
pub enum Place {
    /// On this machine.
    Folder(OpenedFolder),
    /// On AWS.
    #[cfg(feature = "aws")]
    Cloud(crate::aws::Deployment),
}

/// Who compares the bots with the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// A running `gridkeeper up`.
    Up,
    /// The schedule of a deployment.
    Schedule,
}

impl Keeper {
    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "`gridkeeper up`",
            Self::Schedule => "the deployment",
        }
    }

    /// How often it looks, in words.
    #[must_use]
    pub const fn every(self) -> &'static str {
        match self {
            Self::Up => "every 10 seconds",
            Self::Schedule => "every minute",
        }
    }

    /// After so long without a look something is wrong.
    #[must_use]
    pub const fn overdue(self) -> Duration {
        match self {
            Self::Up => RECOVERY_EVERY.saturating_mul(3),
            Self::Schedule => RECOVERY_EVERY_ON_AWS.saturating_mul(3),
        }
    }

    /// Where its log is, and what to do with it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Up => "look at what `gridkeeper up` has written, and start it again",
            Self::Schedule => {
                "look at the log of the stack's function `recover`, and at its alarms (docs/runbook.md)"
            }
        }
    }
}

/// An opened data folder.
#[derive(Debug)]
pub struct OpenedFolder {
    /// Where it is.
    pub path: PathBuf,
    /// The database behind the store, for whoever serves it to others.
    pub database: OpenedStore,
    /// The key file that seals its secrets.
    pub keys: KeyFile,
    durability: Durability,
}

/// The data folder meant: the one given, else `GRIDKEEPER_DATA`, else `gridkeeper` in
/// `$XDG_DATA_HOME` or `~/.local/share`.
///
/// # Errors
/// [`Failure`] when none of these says where.
pub fn data_folder(given: Option<&Path>, environs: &Environs) -> Result<PathBuf, Failure> {
    let named = given.map(Path::to_owned).or_else(|| environs.data.clone());
    let in_data_home = || {
        let data_home = environs.xdg_data_home.clone().or_else(|| {
            let home = environs.home.as_ref()?;
            Some(home.join(".local/share"))
        });
        Some(data_home?.join("gridkeeper"))
    };
    named.or_else(in_data_home).ok_or_else(|| {
        Failure::bad_input(
            "there is no data folder: neither --data, GRIDKEEPER_DATA nor HOME is set",
        )
        .mend("name one with --data DIR")
    })
}

impl Home {
    /// Opens a data folder, both made if they are not there. Where a running process holds it, that
    /// process answers for the store.
    ///
    /// # Errors
    /// [`Failure`] naming what cannot be used and how to mend it.
    pub async fn open(folder: &Path, environs: &Environs) -> Result<Self, Failure> {
        let opened = open_data_dir(folder, DURABILITY).await?;
        Self::from_opened(folder, (opened, DURABILITY), environs).await
    }

    /// Opens a data folder for this process alone.
    ///
    /// # Errors
    /// [`Failure`] naming who holds it, or what cannot be used.
    pub async fn own(folder: &Path, environs: &Environs) -> Result<Self, Failure> {
        Self::own_with(folder, DURABILITY, environs).await
    }

    /// The same with a say in what an acknowledged commit survives.
    ///
    /// # Errors
    /// As [`Home::own`].
    pub async fn own_with(
        folder: &Path,
        durability: Durability,
        environs: &Environs,
    ) -> Result<Self, Failure> {
        match open_data_dir(folder, durability).await? {
            opened @ OpenedStore::Owned(_) => {
                Self::from_opened(folder, (opened, durability), environs).await
            }
            OpenedStore::Remote(_) => Err(Failure::bad_input(format!(
                "the data folder {} is locked by another `gridkeeper up`",
                folder.display()
            ))
            .at(folder.display())
            .mend("stop that process first, or name another folder with --data")),
        }
    }

    async fn from_opened(
        folder: &Path,
        (database, durability): (OpenedStore, Durability),
        environs: &Environs,
    ) -> Result<Self, Failure> {
        let store = database.store();
        if let OpenedStore::Owned(_) = &database {
            store.create_table().await?;
            // A folder says which file it is before there is a second one.
            store.prove_identity(&file_of(folder)?).await?;
        }
        let keys = KeyFile::open_or_create(folder)?;
        let vault = Vault::File(keys.clone());
        let place = Place::Folder(OpenedFolder {
            path: folder.to_owned(),
            database,
            keys,
            durability,
        });
        Ok(Self::at(place, store, vault, environs))
    }

    /// What is kept in a deployment on AWS. Nothing is asked.
    #[cfg(feature = "aws")]
    #[must_use]
    pub fn on_aws(deployment: crate::aws::Deployment, environs: &Environs) -> Self {
        let (store, vault) = (deployment.store(), Vault::Service(deployment.keys()));
        Self::at(Place::Cloud(deployment), store, vault, environs)
    }

    fn at(place: Place, store: DynamoStore, vault: Vault, environs: &Environs) -> Self {
        let exchanges = connections(store.clone(), vault.clone(), environs.clone());
        Self {
            place,
            store,
            vault,
            exchanges,
            environs: environs.clone(),
            attended: false,
        }
    }

    /// Whether its records are a copy of those that were worked with. Only whoever holds a data folder can tell.
    ///
    /// # Errors
    /// [`Failure`] when the store does not tell.
    pub async fn is_copy(&self) -> Result<bool, Failure> {
        let Some(identity) = self.identity().await? else {
            return Ok(false);
        };
        Ok(self.store.prove_identity(&identity).await? == Identity::Copy)
    }

    /// Has the records say that they are the ones to work with.
    ///
    /// # Errors
    /// [`Failure`] when the store does not take it.
    pub async fn is_original_now(&self) -> Result<(), Failure> {
        if let Some(identity) = self.identity().await? {
            self.store.renew_identity(&identity).await?;
        }
        Ok(())
    }

    /// Refuses to work with a copy.
    ///
    /// # Errors
    /// [`Failure`] which says why and what to do.
    pub async fn must_be_original(&self) -> Result<(), Failure> {
        if !self.is_copy().await? {
            return Ok(());
        }
        Err(Failure::refused(
            "these records were restored from a copy, so they may be behind the exchange: an order that was placed since \
             would be placed a second time",
        )
        .at(&self.place)
        .mend(
            "`gridkeeper restored` brings them to where the exchange is, without placing anything; where they were only \
             moved, it changes nothing",
        ))
    }

    async fn identity(&self) -> Result<Option<String>, Failure> {
        match &self.place {
            Place::Folder(folder) if folder.is_owned() => file_of(&folder.path).map(Some),
            Place::Folder(_) => Ok(None),
            #[cfg(feature = "aws")]
            Place::Cloud(_) => Ok(Some(self.store.table_id().await?)),
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// The data folder, if it is one.
    #[must_use]
    pub const fn opened(&self) -> Option<&OpenedFolder> {
        match &self.place {
            Place::Folder(folder) => Some(folder),
            #[cfg(feature = "aws")]
            Place::Cloud(_) => None,
        }
    }

    /// Whether nobody looks after the bots: this process holds the data folder, so that no `up` does, and
    /// is none itself.
    #[must_use]
    pub const fn is_unattended(&self) -> bool {
        match &self.place {
            Place::Folder(folder) => folder.is_owned() && !self.attended,
            #[cfg(feature = "aws")]
            Place::Cloud(_) => false,
        }
    }

    /// The same home in a process that looks after the bots itself.
    #[must_use]
    pub fn attended(self) -> Self {
        Self {
            attended: true,
            ..self
        }
    }

    /// Who compares the bots with the exchange.
    #[must_use]
    pub const fn keeper(&self) -> Keeper {
        match &self.place {
            Place::Folder(_) => Keeper::Up,
            #[cfg(feature = "aws")]
            Place::Cloud(_) => Keeper::Schedule,
        }
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &DynamoStore {
        &self.store
    }

    /// What seals and opens its secrets.
    #[must_use]
    pub const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The trading connections of its accounts; every clone shares them.
    #[must_use]
    pub fn exchanges(&self) -> LocalExchanges {
        self.exchanges.clone()
    }

    /// What the environment says.
    #[must_use]
    pub const fn environs(&self) -> &Environs {
        &self.environs
    }
}

/// What tells a data folder's file from every copy of it.
fn file_of(folder: &Path) -> Result<String, Failure> {
    folder_identity(folder).map_err(|error| {
        Failure::refused(format!("the database's file cannot be looked at: {error}"))
            .at(folder.display())
    })
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "data folder {}", folder.path.display()),
            #[cfg(feature = "aws")]
            Self::Cloud(deployment) => deployment.fmt(f),
        }
    }
}

impl OpenedFolder {
    /// Whether other users of this machine may look into the folder; its files are private all the same.
    #[must_use]
    pub fn is_open_to_others(&self) -> bool {
        let found = std::fs::metadata(&self.path);
        found.is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
    }

    /// Whether this process holds the folder; else a running `up` does.
    #[must_use]
    pub const fn is_owned(&self) -> bool {
        matches!(self.database, OpenedStore::Owned(_))
    }

    /// In words, what an acknowledged commit survives. Only its holder knows.
    #[must_use]
    pub const fn durability(&self) -> &'static str {
        if !self.is_owned() {
            return "what an acknowledged write survives, the running `gridkeeper up` said at its start";
        }
        match self.durability {
            Durability::PowerLoss => {
                "every acknowledged write survives kill -9 and the loss of power"
            }
            Durability::Process => {
                "every acknowledged write survives kill -9, not the loss of power"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environs(data: Option<&str>, xdg: Option<&str>, home: Option<&str>) -> Environs {
        Environs {
            data: data.map(PathBuf::from),
            xdg_data_home: xdg.map(PathBuf::from),
            home: home.map(PathBuf::from),
            ..Environs::default()
        }
    }

    #[test]
    fn the_nearest_word_names_the_folder() {
        let given = Some(Path::new("/given"));
        let all = environs(Some("/data"), Some("/xdg"), Some("/home/a"));
        assert_eq!(data_folder(given, &all).unwrap(), Path::new("/given"));
        assert_eq!(data_folder(None, &all).unwrap(), Path::new("/data"));
        let xdg = environs(None, Some("/xdg"), Some("/home/a"));
        assert_eq!(
            data_folder(None, &xdg).unwrap(),
            Path::new("/xdg/gridkeeper")
        );
        let home = environs(None, None, Some("/home/a"));
        assert_eq!(
            data_folder(None, &home).unwrap(),
            Path::new("/home/a/.local/share/gridkeeper")
        );
        let failure = data_folder(None, &environs(None, None, None)).unwrap_err();
        assert!(failure.to_string().contains("--data"), "{failure}");
    }

    #[tokio::test]
    async fn a_folder_is_owned_by_one() {
        let dir = tempfile::tempdir().unwrap();
        let environs = Environs::default();
        let home = Home::own(dir.path(), &environs).await.unwrap();
        assert!(home.is_unattended());
        let failure = Home::own(dir.path(), &environs).await.unwrap_err();
        assert!(failure.to_string().contains("in use by"), "{failure}");
        assert_eq!(failure.exit.code(), 2);
        drop(home);
        let home = Home::own(dir.path(), &environs).await.unwrap();
        assert!(!home.attended().is_unattended());
    }
}
