//! Lifecycle rules applied, and what was begun and left.
//!
//! Rules by prefix, of days: AWS rounds up to the next midnight, UTC (S3 user guide: lifecycle configuration elements).
//! Others are stored only.

use std::collections::HashSet;

use serde_json::Value;

use super::store::{Bucket, Object, ObjectStore, Version};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::collector::sweep;
use crate::error::ServiceError;
use crate::operation::Freed;

const DAY: f64 = 86_400.0;

pub(super) fn collect(cloud: &Cloud) -> Result<Vec<Freed>, ServiceError> {
    let store = cloud.part::<ObjectStore>();
    let now = cloud.clock().now();
    let mut expired = Freed { what: "expired objects", count: 0, bytes: 0 };
    let mut aborted = Freed { what: "unfinished uploads", count: 0, bytes: 0 };
    for bucket in store.buckets.values() {
        for rule in rules(&bucket) {
            apply(&store, &bucket, &rule, now, &mut expired)?;
            abort(&store, &bucket, &rule, now, &mut aborted)?;
        }
    }
    let mut named = HashSet::new();
    for object in store.objects.values() {
        named.extend(object.versions.into_iter().filter_map(|version| Some(version.content?.file)));
    }
    for upload in store.uploads.values() {
        named.extend(upload.parts.into_values().map(|part| part.file));
    }
    let files = sweep(store.folder(), "files of no object", |name| named.contains(name));
    Ok(vec![expired, aborted, files])
}

/// A rule that is applied.
struct Rule {
    prefix: String,
    days: Option<i64>,
    noncurrent_days: Option<i64>,
    days_after_initiation: Option<i64>,
}

fn rules(bucket: &Bucket) -> Vec<Rule> {
    let rules = bucket.settings.get("LifecycleConfiguration").and_then(|value| value["Rules"].as_array());
    rules.into_iter().flatten().filter_map(rule).collect()
}

fn rule(rule: &Value) -> Option<Rule> {
    let filter = rule.get("Filter").and_then(Value::as_object);
    let is_plain =
        filter.is_none_or(|filter| filter.iter().all(|(name, value)| name == "Prefix" || value.is_null()));
    if rule["Status"] != "Enabled" || !is_plain {
        return None;
    }
    let prefix = filter.and_then(|filter| filter.get("Prefix")?.as_str()).or(rule["Prefix"].as_str());
    Some(Rule {
        prefix: prefix.unwrap_or_default().to_owned(),
        days: rule["Expiration"]["Days"].as_i64(),
        noncurrent_days: rule["NoncurrentVersionExpiration"]["NoncurrentDays"].as_i64(),
        days_after_initiation: rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"].as_i64(),
    })
}

/// Whether so many days have passed since `then`, and the midnight after them.
fn is_past(then: Epoch, days: i64, now: Epoch) -> bool {
    now.0 >= ((then.0 + days as f64 * DAY) / DAY).ceil() * DAY
}

fn apply(
    store: &ObjectStore,
    bucket: &Bucket,
    rule: &Rule,
    now: Epoch,
    freed: &mut Freed,
) -> Result<(), ServiceError> {
    let start = format!("{}\n", bucket.name);
    for (row, object) in store.objects.with_prefix(&format!("{start}{}", rule.prefix)) {
        let Some(key) = row.strip_prefix(&start) else { continue };
        let mut gone: Vec<Version> =
            rule.noncurrent_days.map_or(Vec::new(), |days| noncurrent(&object, days, now));
        let newest = object.versions.last().filter(|version| version.content.is_some());
        let is_due = |version: &&Version| rule.days.is_some_and(|days| is_past(version.modified, days, now));
        if let Some(newest) = newest.filter(is_due) {
            match bucket.versioning {
                None => gone.push(newest.clone()),
                Some(_) => {
                    store.add((&bucket.name, key), None, (now, |_| Ok(())))?;
                    freed.count += 1;
                }
            }
        }
        for version in gone {
            store.remove((&bucket.name, key), &version.id)?;
            freed.count += 1;
            freed.bytes += version.content.map_or(0, |content| content.size);
        }
    }
    Ok(())
}

/// Versions under a newer one for so long.
fn noncurrent(object: &Object, days: i64, now: Epoch) -> Vec<Version> {
    let pairs = object.versions.iter().zip(object.versions.iter().skip(1));
    pairs
        .filter(|(_, newer)| is_past(newer.modified, days, now))
        .map(|(version, _)| version.clone())
        .collect()
}

fn abort(
    store: &ObjectStore,
    bucket: &Bucket,
    rule: &Rule,
    now: Epoch,
    freed: &mut Freed,
) -> Result<(), ServiceError> {
    let Some(days) = rule.days_after_initiation else { return Ok(()) };
    for upload in store.uploads.values() {
        let is_concerned = upload.bucket == bucket.name && upload.key.starts_with(&rule.prefix);
        if is_concerned && is_past(upload.initiated, days, now) {
            store.uploads.remove(&upload.id)?;
            freed.count += 1;
            for part in upload.parts.values() {
                freed.bytes += part.size;
                store.delete(&part.file);
            }
        }
    }
    Ok(())
}
