//! RDS: the snapshots that databases leave behind.

use super::Aws;
use super::error::AwsError;
use seatrial_query::{Members, Place, Protocol, Service, elements, form};

const RDS: Service = Service {
    name: "RDS",
    signing_name: "rds",
    protocol: Protocol::Query { version: "2014-10-31" },
    place: Place::Regional,
};

/// A snapshot that was made by hand, or as the last of a deleted instance: neither expires.
struct Snapshot {
    name: String,
    /// The identifier of the instance that it was made of, which may be gone.
    instance: String,
}

impl Aws {
    /// The name of every manual snapshot of a database, whether or not the database is there still: the filter by instance is
    /// documented for existing instances alone.
    pub(crate) async fn manual_snapshots(&self, instance: &str) -> Result<Vec<String>, AwsError> {
        let (mut found, mut marker): (Vec<String>, String) = Default::default();
        loop {
            let mut input = vec![("SnapshotType", "manual")];
            input.extend((!marker.is_empty()).then_some(("Marker", marker.as_str())));
            let attempt = || "describe the DB snapshots".to_owned();
            let answer = self.call_rarely(&RDS, ("DescribeDBSnapshots", form(&input)), attempt).await?;
            let of = |members: &Members, name: &str| {
                members.iter().find(|(it, _)| it == name).map(|(_, text)| text.clone()).unwrap_or_default()
            };
            let page = elements(&answer, "DBSnapshot").into_iter().map(|members| Snapshot {
                name: of(&members, "DBSnapshotIdentifier"),
                instance: of(&members, "DBInstanceIdentifier"),
            });
            let page = page.filter(|snapshot| snapshot.instance == instance);
            found.extend(page.map(|snapshot| snapshot.name));
            let result = elements(&answer, "DescribeDBSnapshotsResult").into_iter().next();
            marker = result.map(|members| of(&members, "Marker")).unwrap_or_default();
            if marker.is_empty() {
                return Ok(found);
            }
        }
    }

    /// Deletes a snapshot; one that is gone is deleted.
    pub(crate) async fn delete_snapshot(&self, name: &str) -> Result<(), AwsError> {
        let input = form(&[("DBSnapshotIdentifier", name)]);
        let attempt = || format!("delete DB snapshot `{name}`");
        match self.call_rarely(&RDS, ("DeleteDBSnapshot", input), attempt).await {
            Err(error) if error.is("DBSnapshotNotFound") => Ok(()),
            answer => answer.map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::aws::tests::stub;

    #[tokio::test]
    async fn the_snapshots_of_an_instance_are_read_to_the_last_page() {
        let (aws, calls) = stub(|_, before, _| {
            let one = |name: &str, of: &str| {
                format!(
                    "<DBSnapshot><DBSnapshotIdentifier>{name}</DBSnapshotIdentifier>\
                     <DBInstanceIdentifier>{of}</DBInstanceIdentifier></DBSnapshot>"
                )
            };
            let (marker, list) = match before {
                0 => ("<Marker>next</Marker>", one("a", "web") + &one("b", "other")),
                _ => ("", one("c", "web")),
            };
            let result = format!("{marker}<DBSnapshots>{list}</DBSnapshots>");
            format!("<R><DescribeDBSnapshotsResult>{result}</DescribeDBSnapshotsResult></R>").into()
        })
        .await;

        let found = aws.manual_snapshots("web").await.unwrap();

        assert_eq!(found, ["a", "c"]);
        assert_eq!(calls.made().len(), 2);
    }
}
