//! Access keys: the operator's, made at the first start, and the temporary ones of assumed roles.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Epoch};
use crate::cloud::{Part, Setup};
use crate::error::ServiceError;
use crate::id;
use crate::persist::{PersistError, Table};
use crate::principal::Principal;

/// An access key and whose it is.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    /// Temporary credentials have one.
    pub session_token: Option<String>,
    pub expiration: Option<Epoch>,
    pub(crate) principal: Principal,
}

const OPERATOR: &str = "operator";

/// So long expired credentials are told from ones that never were, as AWS does: weeks later it does no more
/// (jrl84/amazon-sp-api#57). A day is enough for whoever comes back to a laptop, and few keys by then.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);

/// All access keys by id.
pub(crate) struct CredentialStore {
    keys: Table<Credentials>,
    clock: Clock,
}

impl Part for CredentialStore {
    fn open(setup: &Setup) -> Self {
        Self { keys: setup.database.table("credentials"), clock: setup.clock }
    }
}

impl CredentialStore {
    /// The operator's key, made if there is none yet; the same over restarts.
    pub fn operator(&self, account: &str) -> Result<Credentials, PersistError> {
        if let Some(found) = self.keys.get(OPERATOR) {
            return Ok(found);
        }
        let key = Credentials {
            access_key_id: format!("AKIA{}", id::upper(16)),
            secret_access_key: id::secret(40),
            session_token: None,
            expiration: None,
            principal: Principal::operator(account),
        };
        self.keys.put(OPERATOR, &key)?;
        Ok(key)
    }

    /// Temporary credentials of `principal`, valid for `lifetime` of real time.
    pub fn issue(&self, principal: Principal, lifetime: Duration) -> Result<Credentials, ServiceError> {
        self.forget_expired()?;
        let key = Credentials {
            access_key_id: format!("ASIA{}", id::upper(16)),
            secret_access_key: id::secret(40),
            session_token: Some(id::secret(120)),
            expiration: Some(self.clock.now().plus(lifetime)),
            principal,
        };
        self.keys.put(&key.access_key_id, &key)?;
        Ok(key)
    }

    /// The credentials of an access key id; expired ones are answered too, for the caller tells them apart.
    pub fn lookup(&self, access_key_id: &str) -> Option<Credentials> {
        // The operator's row is not named by its id.
        [access_key_id, OPERATOR]
            .iter()
            .find_map(|row| self.keys.get(row).filter(|key| key.access_key_id == access_key_id))
    }

    /// Ends temporary credentials before their time: a call with them is refused as one with a key that never was.
    pub fn revoke(&self, access_key_id: &str) -> Result<(), PersistError> {
        self.keys.remove(access_key_id).map(drop)
    }

    /// What is secret in all keys: what is never to be shown.
    pub fn secrets(&self) -> Vec<String> {
        let keys = self.keys.values().into_iter();
        keys.flat_map(|key| [Some(key.secret_access_key), key.session_token]).flatten().collect()
    }

    fn forget_expired(&self) -> Result<(), PersistError> {
        let now = self.clock.now();
        for (key, row) in self.keys.entries() {
            if row.expiration.is_some_and(|expiration| expiration.plus(REMEMBERED) < now) {
                self.keys.remove(&key)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Hands;
    use crate::tests::{ACCOUNT, cloud_at, cloud_in};

    #[test]
    fn expired_credentials_are_known_as_such_for_a_day() {
        let dir = tempfile::tempdir().unwrap();
        let hands = Hands::new();
        let cloud = cloud_at(dir.path(), dir.path(), Clock::by(hands), |_| {});
        let store = cloud.part::<CredentialStore>();
        let hour = Duration::from_secs(3600);
        let issue = || store.issue(Principal::service("codebuild.amazonaws.com", ACCOUNT), hour).unwrap();
        let first = issue();

        hands.advance(hour * 2);
        issue();
        let found = store.lookup(&first.access_key_id).unwrap();
        assert!(found.expiration.is_some_and(|expiration| expiration < cloud.clock().now()));

        hands.advance(REMEMBERED);
        issue();
        assert!(store.lookup(&first.access_key_id).is_none());
    }

    #[test]
    fn a_key_is_found_by_its_id_and_no_other_name() {
        let dir = tempfile::tempdir().unwrap();
        let store = cloud_in(dir.path()).part::<CredentialStore>();
        let operator = store.operator(ACCOUNT).unwrap();
        let session = store.issue(Principal::operator(ACCOUNT), Duration::from_secs(900)).unwrap();

        for key in [&operator, &session] {
            let found = store.lookup(&key.access_key_id).unwrap();
            assert_eq!(found.secret_access_key, key.secret_access_key);
        }
        for other in [OPERATOR, "", "AKIA"] {
            assert!(store.lookup(other).is_none(), "{other}");
        }
    }
}
