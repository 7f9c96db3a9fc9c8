//! What a path below `/v2/` names. Repositories' names hold slashes, so paths are read from their end.

use percent_encoding::percent_decode_str;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    Base,
    Blob { repository: String, digest: String },
    Uploads { repository: String },
    Upload { repository: String, id: String },
    Manifest { repository: String, reference: String },
    Tags { repository: String },
    Referrers { repository: String, digest: String },
}

/// `None`: no path of the registry, or one of a part that is not served.
pub(super) fn parse(path: &str) -> Option<Target> {
    let path = percent_decode_str(path).decode_utf8().ok()?;
    let path = path.strip_prefix("/v2/")?;
    if path.is_empty() {
        return Some(Target::Base);
    }
    if let Some(repository) = path.strip_suffix("/tags/list") {
        return Some(Target::Tags { repository: name(repository)? });
    }
    let (rest, last) = path.rsplit_once('/')?;
    let last = last.to_owned();
    if let Some(repository) = rest.strip_suffix("/blobs/uploads") {
        let repository = name(repository)?;
        return Some(match last.is_empty() {
            true => Target::Uploads { repository },
            false => Target::Upload { repository, id: last },
        });
    }
    if let Some(repository) = rest.strip_suffix("/blobs") {
        let repository = name(repository)?;
        return Some(match last == "uploads" {
            true => Target::Uploads { repository },
            false => Target::Blob { repository, digest: last },
        });
    }
    if let Some(repository) = rest.strip_suffix("/referrers") {
        return Some(Target::Referrers { repository: name(repository)?, digest: last });
    }
    let repository = name(rest.strip_suffix("/manifests")?)?;
    (!last.is_empty()).then_some(Target::Manifest { repository, reference: last })
}

fn name(text: &str) -> Option<String> {
    let fits = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'/');
    (!text.is_empty() && text.len() <= 256 && text.bytes().all(fits)).then(|| text.to_owned())
}

/// Whether a tag may be called so.
pub(super) fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_slashes_are_told_from_what_follows_them() {
        let repository = || "team/app".to_owned();
        assert_eq!(parse("/v2/"), Some(Target::Base));
        let digest = "sha256:00".to_owned();
        let blob = Some(Target::Blob { repository: repository(), digest });
        assert_eq!(parse("/v2/team/app/blobs/sha256:00"), blob);
        assert_eq!(parse("/v2/team/app/blobs/sha256%3A00"), blob);
        let uploads = Some(Target::Uploads { repository: repository() });
        assert_eq!(parse("/v2/team/app/blobs/uploads/"), uploads);
        assert_eq!(parse("/v2/team/app/blobs/uploads"), uploads);
        let upload = Target::Upload { repository: repository(), id: "1".to_owned() };
        assert_eq!(parse("/v2/team/app/blobs/uploads/1"), Some(upload));
        let manifest = Target::Manifest { repository: repository(), reference: "v1".to_owned() };
        assert_eq!(parse("/v2/team/app/manifests/v1"), Some(manifest));
        let referrers = Target::Referrers { repository: repository(), digest: "sha256:00".to_owned() };
        assert_eq!(parse("/v2/team/app/referrers/sha256:00"), Some(referrers));
        assert_eq!(parse("/v2/team/app/tags/list"), Some(Target::Tags { repository: repository() }));
    }

    #[test]
    fn other_paths_name_nothing() {
        for path in
            ["/v2/_catalog", "/v2/app", "/v2/app/manifests/", "/v2/A/manifests/v1", "/v2/manifests/v1"]
        {
            assert_eq!(parse(path), None, "{path}");
        }
        assert!(is_tag("0123456789ab") && !is_tag(".hidden") && !is_tag("a/b") && !is_tag(""));
    }
}
