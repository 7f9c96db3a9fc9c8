//! The certificate authority of this local cloud: it signs what ACM issues here, and nothing else.
//!
//! Its certificate is `ca.pem` in the data directory, its key `ca.key` beside it, for the owner alone. Nobody trusts it
//! unless told to: nothing is installed anywhere. It has no name constraints, for a user's domain may be any; it is
//! short-lived and says what it is instead.

use std::fs::OpenOptions;
use std::io::{Error, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan as _, Zoned, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData as _, RsaKeySize, SignatureAlgorithm, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_cert::der::{Decode as _, Encode as _};

const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca.key";
/// What becomes one of the two.
const NEW: &str = "ca.new";

/// The names of what is kept in the data directory.
pub(crate) const ENTRIES: [&str; 3] = [CERTIFICATE, KEY, NEW];

/// The authority's days, and with them those of whatever it signs: an authority is made anew at a start that finds less
/// than [`SPARE_DAYS`] left. What AWS's certificates have (198 days since 2026) is of no use to a rehearsal.
const DAYS: i64 = 90;
const SPARE_DAYS: i64 = 30;

/// Where the local cloud with its data in `data_dir` keeps the certificate of its authority, as PEM: whoever is to
/// trust its HTTPS listeners reads it. It is there once the local cloud has started, and may change at a start.
pub fn certificate_authority(data_dir: &Path) -> PathBuf {
    data_dir.join(CERTIFICATE)
}

/// The authority, its key in memory.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// PEM.
    certificate: String,
    not_after: Timestamp,
}

/// A certificate that the authority signed.
pub(crate) struct Issued {
    /// PEM.
    pub certificate: String,
    /// PEM, PKCS #8.
    pub key: String,
    /// The authority's own certificate, as PEM.
    pub chain: String,
}

/// A kind of key that can be made here.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyKind {
    Rsa2048,
    Rsa3072,
    Rsa4096,
    P256,
    P384,
}

impl Authority {
    /// The authority of a data directory; made if there is none, or if it is about to expire.
    ///
    /// # Errors
    /// Files that cannot be read or written.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, Error> {
        match Self::read(data_dir) {
            Some(found) if found.lasts(SPARE_DAYS) => Ok(found),
            _ => Self::make(data_dir),
        }
    }

    /// What is there. Half of it, or a certificate of another key, is nothing: it is made again.
    fn read(data_dir: &Path) -> Option<Self> {
        let certificate = std::fs::read_to_string(data_dir.join(CERTIFICATE)).ok()?;
        let key = KeyPair::from_pem(&std::fs::read_to_string(data_dir.join(KEY)).ok()?).ok()?;
        let der = CertificateDer::from_pem_slice(certificate.as_bytes()).ok()?;
        let parsed = x509_cert::Certificate::from_der(&der).ok()?.tbs_certificate;
        let is_of_key = parsed.subject_public_key_info.to_der().ok()? == key.subject_public_key_info();
        let not_after = parsed.validity.not_after.to_unix_duration().as_secs();
        let not_after = Timestamp::from_second(i64::try_from(not_after).ok()?).ok()?;
        is_of_key.then(|| Self { issuer: Issuer::new(parameters(), key), certificate, not_after })
    }

    fn make(data_dir: &Path) -> Result<Self, Error> {
        let key = KeyPair::generate().map_err(Error::other)?;
        let (mut parameters, not_after) = (parameters(), in_days(DAYS));
        set_days(&mut parameters, &not_after);
        let certificate = parameters.self_signed(&key).map_err(Error::other)?.pem();
        // The key first: a certificate without its key is made again.
        write(data_dir, KEY, 0o600, &key.serialize_pem())?;
        write(data_dir, CERTIFICATE, 0o644, &certificate)?;
        let not_after = not_after.timestamp();
        Ok(Self { issuer: Issuer::new(self::parameters(), key), certificate, not_after })
    }

    fn lasts(&self, days: i64) -> bool {
        self.not_after > in_days(days).timestamp()
    }

    /// Its own certificate, as PEM.
    pub(crate) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Signs a certificate of a new key for `names`, the first of which is its subject. It ends with the authority.
    ///
    /// # Errors
    /// A name that no certificate can hold.
    pub(crate) fn issue(&self, names: &[String], kind: KeyKind) -> Result<Issued, rcgen::Error> {
        let key = kind.generate()?;
        let mut parameters = CertificateParams::new(names.to_vec())?;
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, names.first().cloned().unwrap_or_default());
        set_days(&mut parameters, &self.not_after.to_zoned(TimeZone::UTC));
        parameters.use_authority_key_identifier_extension = true;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = parameters.signed_by(&key, &self.issuer)?.pem();
        Ok(Issued { certificate, key: key.serialize_pem(), chain: self.certificate.clone() })
    }
}

impl KeyKind {
    fn generate(self) -> Result<KeyPair, rcgen::Error> {
        let rsa = |size| KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size);
        let of = |algorithm: &'static SignatureAlgorithm| KeyPair::generate_for(algorithm);
        match self {
            Self::Rsa2048 => rsa(RsaKeySize::_2048),
            Self::Rsa3072 => rsa(RsaKeySize::_3072),
            Self::Rsa4096 => rsa(RsaKeySize::_4096),
            Self::P256 => of(&rcgen::PKCS_ECDSA_P256_SHA256),
            Self::P384 => of(&rcgen::PKCS_ECDSA_P384_SHA384),
        }
    }
}

/// What an authority's certificate says, but for its days.
fn parameters() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::OrganizationName, "Seatrial local cloud");
    let name = "Seatrial local cloud, for rehearsals on this machine only";
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters
}

fn in_days(days: i64) -> Zoned {
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    now.checked_add(days.days()).unwrap_or(now)
}

/// From yesterday, for no clock is quite right, to the midnight before `end`.
fn set_days(parameters: &mut CertificateParams, end: &Zoned) {
    let part = |part: i8| u8::try_from(part).unwrap_or(1);
    let midnight = |day: &Zoned| date_time_ymd(day.year().into(), part(day.month()), part(day.day()));
    parameters.not_before = midnight(&in_days(-1));
    parameters.not_after = midnight(end);
}

/// Writes a file as a whole: never half a key under its name.
fn write(data_dir: &Path, name: &str, mode: u32, text: &str) -> Result<(), Error> {
    let new = data_dir.join(NEW);
    let _ = std::fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&new, data_dir.join(name))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn parsed(pem: &str) -> x509_cert::Certificate {
        x509_cert::Certificate::from_der(&CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn an_authority_is_kept_over_restarts_and_its_key_is_the_owners_alone() {
        let dir = tempfile::tempdir().unwrap();

        let made = Authority::open(dir.path()).unwrap();
        let found = Authority::open(dir.path()).unwrap();

        let file = std::fs::read_to_string(certificate_authority(dir.path())).unwrap();
        assert_eq!((made.certificate(), found.certificate()), (file.as_str(), file.as_str()));
        let mode = std::fs::metadata(dir.path().join(KEY)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(std::fs::read_dir(dir.path()).unwrap().count() == 2);
    }

    #[test]
    fn an_authority_says_what_it_is_and_ends_within_three_months() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::open(dir.path()).unwrap();

        let certificate = parsed(authority.certificate()).tbs_certificate;

        assert!(certificate.subject.to_string().contains("for rehearsals on this machine only"));
        let ends = certificate.validity.not_after.to_unix_duration().as_secs();
        assert!(ends <= u64::try_from(in_days(DAYS).timestamp().as_second()).unwrap());
        assert!(!authority.lasts(DAYS));
    }

    #[test]
    fn half_an_authority_is_made_again() {
        for name in [KEY, CERTIFICATE] {
            let dir = tempfile::tempdir().unwrap();
            let old = Authority::open(dir.path()).unwrap();
            std::fs::write(dir.path().join(name), "").unwrap();

            let new = Authority::open(dir.path()).unwrap();

            assert_ne!(old.certificate(), new.certificate());
            assert_eq!(new.certificate(), Authority::open(dir.path()).unwrap().certificate());
        }
        // A key of another authority.
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let old = Authority::open(dir.path()).unwrap();
        Authority::open(other.path()).unwrap();
        std::fs::copy(other.path().join(KEY), dir.path().join(KEY)).unwrap();
        assert_ne!(old.certificate(), Authority::open(dir.path()).unwrap().certificate());
    }

    #[test]
    fn what_an_authority_signs_is_of_its_names_and_ends_no_later_than_it() {
        let dir = tempfile::tempdir().unwrap();
        Authority::open(dir.path()).unwrap();
        // One that was read from its files.
        let authority = Authority::open(dir.path()).unwrap();
        let names = ["app.example.com".to_owned(), "*.app.example.com".to_owned()];

        for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Rsa2048] {
            let issued = authority.issue(&names, kind).unwrap();

            let (leaf, issuer) = (parsed(&issued.certificate), parsed(&issued.chain));
            assert_eq!(leaf.tbs_certificate.issuer, issuer.tbs_certificate.subject);
            assert_eq!(leaf.tbs_certificate.subject.to_string(), "CN=app.example.com");
            let ends = |certificate: &x509_cert::Certificate| {
                certificate.tbs_certificate.validity.not_after.to_unix_duration()
            };
            assert!(ends(&leaf) <= ends(&issuer));
        }
    }
}
