//! A role's session for as long as one task or build runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::assume::assume_role_for;
use crate::cloud::Cloud;
use crate::credentials::{CredentialStore, Credentials};
use crate::error::ServiceError;
use crate::principal::Principal;

/// How long before their end credentials are followed by new ones: longer than any SDK waits with asking again, which
/// do so minutes before.
const EARLY: Duration = Duration::from_secs(1800);

/// Who assumes which role, and what for.
#[derive(Clone)]
pub(crate) struct Actor {
    /// `ecs-tasks.amazonaws.com`.
    pub service: &'static str,
    /// The resource for which the service acts.
    pub source_arn: String,
    pub role_arn: String,
    pub session: String,
    /// Of each set of credentials, in real time.
    pub lifetime: Duration,
}

/// The session of a task or build. Its credentials end with it: earlier than on AWS, where they last their whole time,
/// but nobody is left who could rightly have them.
pub(crate) struct RoleSession {
    pub(super) session: Arc<Session>,
}

pub(super) struct Session {
    cloud: Cloud,
    actor: Actor,
    pub role_arn: String,
    /// Nobody guesses it: 122 random bits.
    pub id: String,
    /// What must come along where others could ask.
    pub token: String,
    issued: Mutex<Issued>,
    principal: Principal,
}

struct Issued {
    /// In force.
    current: Credentials,
    /// The access keys before them, which last until they expire.
    former: Vec<String>,
}

impl RoleSession {
    /// Has the service assume the role.
    ///
    /// # Errors
    /// The role is not there, or does not trust the service for this resource.
    pub(crate) async fn open(cloud: &Cloud, actor: Actor) -> Result<Self, ServiceError> {
        let first = actor.assume(cloud).await?;
        let session = Session {
            cloud: cloud.clone(),
            role_arn: actor.role_arn.clone(),
            actor,
            id: crate::id::uuid(),
            token: crate::id::secret(64),
            principal: first.principal.clone(),
            issued: Mutex::new(Issued { current: first, former: Vec::new() }),
        };
        Ok(Self { session: Arc::new(session) })
    }

    /// Who calls are made as.
    pub(crate) fn principal(&self) -> &Principal {
        &self.session.principal
    }
}

impl Actor {
    async fn assume(&self, cloud: &Cloud) -> Result<Credentials, ServiceError> {
        let service = (self.service, Some(self.source_arn.clone()));
        assume_role_for(cloud, service, (&self.role_arn, &self.session), self.lifetime).await
    }
}

impl Session {
    /// The credentials in force. Where no new ones are to be had, the old ones as long as they last.
    pub(super) async fn current(&self) -> Credentials {
        let mut issued = self.issued.lock().await;
        let now = self.cloud.clock().now();
        let left = issued.current.expiration.map(|expiration| expiration.since(now));
        if left.is_some_and(|left| left <= EARLY) {
            match self.actor.assume(&self.cloud).await {
                Ok(next) => {
                    let former = std::mem::replace(&mut issued.current, next).access_key_id;
                    issued.former.push(former);
                }
                Err(error) => {
                    tracing::warn!(role = self.role_arn, %error, "credentials of a role are not renewed");
                }
            }
        }
        issued.current.clone()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let store = self.cloud.part::<CredentialStore>();
        let Issued { current, former } = self.issued.get_mut();
        for key in std::iter::once(&current.access_key_id).chain(&*former) {
            if let Err(error) = store.revoke(key) {
                tracing::error!(%error, "credentials outlive their task");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, Hands};
    use crate::services::iam::add_trusting_role;
    use crate::tests::{ACCOUNT, cloud_at};

    #[tokio::test]
    async fn credentials_are_followed_by_new_ones_before_their_end_and_all_of_them_end_with_the_session() {
        let dir = tempfile::tempdir().unwrap();
        let hands = Hands::new();
        let cloud = cloud_at(dir.path(), dir.path(), Clock::by(hands), crate::services::register);
        add_trusting_role(&cloud, "task");
        let actor = Actor {
            service: "ecs-tasks.amazonaws.com",
            source_arn: cloud.arn("ecs", "*"),
            role_arn: format!("arn:aws:iam::{ACCOUNT}:role/task"),
            session: "one".to_owned(),
            lifetime: Duration::from_secs(6 * 3600),
        };
        let role = RoleSession::open(&cloud, actor).await.unwrap();
        let store = cloud.part::<CredentialStore>();

        let first = role.session.current().await.access_key_id;
        assert_eq!(role.session.current().await.access_key_id, first);
        hands.advance(Duration::from_secs(6 * 3600) - EARLY);
        let second = role.session.current().await;
        assert_ne!(second.access_key_id, first);
        assert_eq!(&second.principal, role.principal());
        // Whoever took the first may still use them.
        assert!(store.lookup(&first).is_some());

        drop(role);
        assert!([&first, &second.access_key_id].into_iter().all(|key| store.lookup(key).is_none()));
    }
}
