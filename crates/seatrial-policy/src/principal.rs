//! Who asks, and whom a resource's policy names.

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// `arn:aws:iam::ACCOUNT:user/NAME`.
    User { arn: String },
    /// A session of a role: `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`, of `arn:aws:iam::ACCOUNT:role/ROLE`.
    RoleSession { arn: String, role_arn: String },
    /// An AWS service by itself, which only policies of resources can allow anything: `codebuild.amazonaws.com`.
    Service { name: String },
}

impl Principal {
    /// The ARN that messages name; a service's name.
    pub fn name(&self) -> &str {
        match self {
            Self::User { arn } | Self::RoleSession { arn, .. } => arn,
            Self::Service { name } => name,
        }
    }

    /// The twelve digits of the account; none for a service.
    pub fn account(&self) -> Option<&str> {
        account_of(self.name())
    }
}

/// The account in an ARN, where it has one.
pub(crate) fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}

/// One of those whom `Principal` or `NotPrincipal` lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    Everyone,
    /// By its digits, or by the ARN of its root.
    Account(String),
    User(String),
    Role(String),
    Session(String),
    Service(String),
    /// Federated, canonical users and ids of principals that are gone: nobody who asks here.
    Other,
}

/// How close to the caller a policy of a resource names it, the closest last: what other policies still have to
/// allow depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Naming {
    /// Only its account: whom to let in is left to the account's own policies.
    Account,
    /// The role whose session asks: boundary and session policies still limit it.
    Role,
    /// The caller itself, or everyone.
    Direct,
}

impl Named {
    pub fn naming(&self, principal: &Principal) -> Option<Naming> {
        let direct = |is: bool| is.then_some(Naming::Direct);
        match (self, principal) {
            (Self::Everyone, _) => Some(Naming::Direct),
            (Self::Account(account), _) => (principal.account() == Some(account)).then_some(Naming::Account),
            (Self::User(named), Principal::User { arn }) => direct(named == arn),
            (Self::Role(named), Principal::RoleSession { role_arn, .. }) => {
                (named == role_arn).then_some(Naming::Role)
            }
            (Self::Session(named), Principal::RoleSession { arn, .. }) => direct(named == arn),
            (Self::Service(named), Principal::Service { name }) => direct(named == name),
            _ => None,
        }
    }
}

/// Whether `NotPrincipal` leaves `principal` alone. AWS checks an account, then the role, then the session, and denies
/// where one of them is not listed (AWS: AWS JSON policy elements: NotPrincipal): so all of them must be.
pub(crate) fn is_spared(named: &[Named], principal: &Principal) -> bool {
    let is_listed = |naming: Naming| named.iter().any(|one| one.naming(principal) == Some(naming));
    if named.contains(&Named::Everyone) {
        return true;
    }
    match principal {
        Principal::User { .. } => is_listed(Naming::Account) && is_listed(Naming::Direct),
        Principal::RoleSession { .. } => {
            is_listed(Naming::Account) && is_listed(Naming::Role) && is_listed(Naming::Direct)
        }
        Principal::Service { .. } => is_listed(Naming::Direct),
    }
}
