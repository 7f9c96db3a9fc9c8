//! Uploads that were begun and left, and layers that no repository has.

use std::collections::HashSet;

use super::store::Ecr;
use crate::cloud::Cloud;
use crate::collector::sweep;
use crate::error::ServiceError;
use crate::operation::Freed;

pub(super) fn collect(cloud: &Cloud) -> Result<Vec<Freed>, ServiceError> {
    let ecr = cloud.part::<Ecr>();
    let named: HashSet<_> = ecr
        .layers
        .entries()
        .into_iter()
        .filter_map(|(key, _)| Some(key.rsplit_once(':')?.1.to_owned()))
        .collect();
    let layers = sweep(&ecr.blobs(), "layers of no repository", |name| named.contains(name));
    // An upload whose parts stopped coming a day ago: its file goes, and its record with it.
    let uploads = sweep(&ecr.upload_file(""), "unfinished uploads of layers", |_| false);
    for (upload, _) in ecr.uploads.entries() {
        if !ecr.upload_file(&upload).exists() {
            ecr.uploads.remove(&upload)?;
        }
    }
    Ok(vec![layers, uploads])
}
