//! Certificates as they are read: what ACM shows of one, and who certifies whom.

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_cert::der::asn1::UintRef;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::oid::db::rfc4519::CN;
use x509_cert::der::oid::db::{rfc5280, rfc5912};
use x509_cert::der::{Decode as _, Encode as _, Reader as _, SliceReader};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsage, SubjectAltName};
use x509_cert::{TbsCertificate, Version};

use crate::clock::Epoch;

/// A certificate that was understood.
pub(super) struct Certificate {
    parsed: x509_cert::Certificate,
}

/// What ACM calls kinds of keys; each with what AWS's answers call it, which is not the same for RSA.
const KEY_KINDS: [(&str, &str); 7] = [
    ("RSA_1024", "RSA-1024"),
    ("RSA_2048", "RSA-2048"),
    ("RSA_3072", "RSA-3072"),
    ("RSA_4096", "RSA-4096"),
    ("EC_prime256v1", "EC-prime256v1"),
    ("EC_secp384r1", "EC-secp384r1"),
    ("EC_secp521r1", "EC-secp521r1"),
];

/// How AWS's answers spell a kind of key: `RSA-2048`, where its model has `RSA_2048`.
pub(super) fn shown_key_kind(kind: &str) -> &str {
    KEY_KINDS.iter().find(|(name, _)| *name == kind).map_or(kind, |(_, shown)| shown)
}

/// All certificates of a text of PEM, in their order; `None`: it holds none, or something else.
pub(super) fn certificates(pem: &str) -> Option<Vec<Certificate>> {
    let read = |der: CertificateDer<'_>| x509_cert::Certificate::from_der(&der).ok();
    let found = CertificateDer::pem_slice_iter(pem.as_bytes()).map(|der| read(der.ok()?));
    let found: Vec<_> = found.map(|parsed| Some(Certificate { parsed: parsed? })).collect::<Option<_>>()?;
    (!found.is_empty()).then_some(found)
}

impl Certificate {
    fn inner(&self) -> &TbsCertificate {
        &self.parsed.tbs_certificate
    }

    /// ACM takes version 3 only.
    pub(super) fn is_version_3(&self) -> bool {
        self.inner().version == Version::V3
    }

    pub(super) fn subject(&self) -> String {
        self.inner().subject.to_string()
    }

    pub(super) fn issuer(&self) -> String {
        self.inner().issuer.to_string()
    }

    /// `0a:1b:…`.
    pub(super) fn serial(&self) -> String {
        self.inner().serial_number.to_string().to_lowercase()
    }

    pub(super) fn not_before(&self) -> Epoch {
        Epoch(self.inner().validity.not_before.to_unix_duration().as_secs_f64())
    }

    pub(super) fn not_after(&self) -> Epoch {
        Epoch(self.inner().validity.not_after.to_unix_duration().as_secs_f64())
    }

    /// The domain names it is for: those of its extension, and that of its subject, which comes first as in ACM.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.common_name().into_iter().collect();
        let more = self.inner().get::<SubjectAltName>().ok().flatten();
        for name in more.into_iter().flat_map(|(_, names)| names.0) {
            if let GeneralName::DnsName(name) = name
                && !names.iter().any(|known| known == name.as_str())
            {
                names.push(name.as_str().to_owned());
            }
        }
        names
    }

    fn common_name(&self) -> Option<String> {
        let mut parts = self.inner().subject.0.iter().flat_map(|part| part.0.iter());
        let name = parts.find(|part| part.oid == CN)?;
        String::from_utf8(name.value.value().to_vec()).ok()
    }

    /// `RSA_2048`, `EC_prime256v1`; `None`: a key that ACM does not take.
    pub(super) fn key_kind(&self) -> Option<&'static str> {
        let key = &self.inner().subject_public_key_info;
        let curve = || key.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok();
        let name = match key.algorithm.oid {
            rfc5912::RSA_ENCRYPTION => format!("RSA_{}", rsa_bits(key.subject_public_key.raw_bytes())?),
            rfc5912::ID_EC_PUBLIC_KEY => match curve()? {
                rfc5912::SECP_256_R_1 => "EC_prime256v1".to_owned(),
                rfc5912::SECP_384_R_1 => "EC_secp384r1".to_owned(),
                rfc5912::SECP_521_R_1 => "EC_secp521r1".to_owned(),
                _ => return None,
            },
            _ => return None,
        };
        KEY_KINDS.iter().map(|(kind, _)| *kind).find(|kind| *kind == name)
    }

    /// As ACM spells it: `SHA256WITHRSA`.
    pub(super) fn signature_kind(&self) -> String {
        let kind = self.parsed.signature_algorithm.oid;
        let name = match kind {
            rfc5912::SHA_256_WITH_RSA_ENCRYPTION => "SHA256WITHRSA",
            rfc5912::SHA_384_WITH_RSA_ENCRYPTION => "SHA384WITHRSA",
            rfc5912::SHA_512_WITH_RSA_ENCRYPTION => "SHA512WITHRSA",
            rfc5912::ECDSA_WITH_SHA_256 => "SHA256WITHECDSA",
            rfc5912::ECDSA_WITH_SHA_384 => "SHA384WITHECDSA",
            rfc5912::ECDSA_WITH_SHA_512 => "SHA512WITHECDSA",
            _ => return kind.to_string(),
        };
        name.to_owned()
    }

    /// By the names of ACM's enumeration.
    pub(super) fn key_usages(&self) -> Vec<&'static str> {
        let Ok(Some((_, usage))) = self.inner().get::<KeyUsage>() else { return Vec::new() };
        let known = [
            (usage.digital_signature(), "DIGITAL_SIGNATURE"),
            (usage.non_repudiation(), "NON_REPUDIATION"),
            (usage.key_encipherment(), "KEY_ENCIPHERMENT"),
            (usage.data_encipherment(), "DATA_ENCIPHERMENT"),
            (usage.key_agreement(), "KEY_AGREEMENT"),
            (usage.key_cert_sign(), "CERTIFICATE_SIGNING"),
            (usage.crl_sign(), "CRL_SIGNING"),
        ];
        known.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect()
    }

    /// By the names of ACM's enumeration, each with its object identifier.
    pub(super) fn extended_key_usages(&self) -> Vec<(&'static str, String)> {
        let Ok(Some((_, usages))) = self.inner().get::<ExtendedKeyUsage>() else { return Vec::new() };
        let name = |usage: &ObjectIdentifier| match *usage {
            rfc5280::ID_KP_SERVER_AUTH => "TLS_WEB_SERVER_AUTHENTICATION",
            rfc5280::ID_KP_CLIENT_AUTH => "TLS_WEB_CLIENT_AUTHENTICATION",
            rfc5280::ID_KP_CODE_SIGNING => "CODE_SIGNING",
            rfc5280::ID_KP_EMAIL_PROTECTION => "EMAIL_PROTECTION",
            rfc5280::ID_KP_TIME_STAMPING => "TIME_STAMPING",
            rfc5280::ID_KP_OCSP_SIGNING => "OCSP_SIGNING",
            _ => "CUSTOM",
        };
        usages.0.iter().map(|usage| (name(usage), usage.to_string())).collect()
    }

    pub(super) fn is_self_signed(&self) -> bool {
        self.is_certified_by(self)
    }

    /// Whether it names `other` as its issuer and bears a signature of its key. Whatever of the kinds of signatures
    /// fits counts.
    pub(super) fn is_certified_by(&self, other: &Self) -> bool {
        let Ok(message) = self.inner().to_der() else { return false };
        let key = other.inner().subject_public_key_info.subject_public_key.raw_bytes();
        let signature = self.parsed.signature.raw_bytes();
        let kinds = aws_lc_rs::default_provider().signature_verification_algorithms.all;
        self.inner().issuer == other.inner().subject
            && kinds.iter().any(|kind| kind.verify_signature(key, &message, signature).is_ok())
    }
}

fn rsa_bits(key: &[u8]) -> Option<usize> {
    let mut reader = SliceReader::new(key).ok()?;
    let modulus = reader.sequence(|reader| {
        let modulus: UintRef<'_> = reader.decode()?;
        let _exponent: UintRef<'_> = reader.decode()?;
        Ok(modulus.as_bytes().len() * 8)
    });
    modulus.ok()
}
