//! Database instances with a real Postgres.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::Operation;
use crate::principal::Principal;
use crate::tests::cloud_with;
use store::RdsStore;

const LONG: Duration = Duration::from_secs(60);

async fn open(dir: &Path) -> Cloud {
    let cloud = cloud_with(dir, dir, 60.0, register);
    resume(&cloud).await;
    cloud
}

async fn close(cloud: Cloud) {
    cloud.drivers().shutdown(Duration::from_secs(5)).await;
    stop(&cloud).await;
}

async fn call<O: Operation>(cloud: &Cloud, input: O) -> Result<O::Output, ServiceError> {
    cloud.call(&Principal::operator(cloud.account()), input).await
}

fn instance() -> CreateDbInstance {
    CreateDbInstance {
        identifier: "Notes".to_owned(),
        class: "db.t4g.micro".to_owned(),
        engine: "postgres".to_owned(),
        name: Some("notes".to_owned()),
        master_username: Some("app".to_owned()),
        master_user_password: Some("long enough".replace(' ', "-")),
        deletion_protection: Some(true),
        vpc_security_group_ids: vec!["sg-1".to_owned()],
        ..CreateDbInstance::default()
    }
}

async fn status(cloud: &Cloud) -> Option<DbInstance> {
    let input = DescribeDbInstances { identifier: Some("notes".to_owned()) };
    call(cloud, input).await.ok().and_then(|found| found.instances.into_iter().next())
}

/// The port on which the instance answers as a Postgres server does: `N` to a request for TLS.
fn answers(port: i64) -> bool {
    use std::io::{Read as _, Write as _};
    let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())) else {
        return false;
    };
    let mut answer = [0];
    stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).unwrap();
    stream.read_exact(&mut answer).is_ok() && answer == *b"N"
}

/// Gives the instance another password: neither it nor the first one is in the log, or anywhere else when the server has it.
async fn change_password(cloud: &Cloud, dir: &Path) {
    let new = ModifyDbInstance {
        identifier: "notes".to_owned(),
        master_user_password: Some("another-one".to_owned()),
        ..ModifyDbInstance::default()
    };
    call(cloud, new).await.unwrap();
    let store = cloud.part::<RdsStore>();
    let is_available = || store.instances.find(|row| row.instance.status == "available");
    cloud.wait_until(LONG, is_available).await.unwrap();
    // The log keeps every line that it had; of the second creation, which was refused, nothing is left either.
    let log = std::fs::read_to_string(dir.join("state.jsonl")).unwrap();
    assert!(log.contains("modifying") && !log.contains("long-enough") && !log.contains("another-one"));
    assert_eq!(std::fs::read_dir(dir.join(PASSWORDS)).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_keeps_its_address_over_restarts_and_leaves_a_snapshot_behind_that_can_be_restored() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = open(dir.path()).await;

    call(&cloud, instance()).await.unwrap();
    let again = call(&cloud, instance()).await.err().unwrap();
    assert_eq!(again.code, "DBInstanceAlreadyExists");
    let store = cloud.part::<RdsStore>();
    let is_available = || store.instances.find(|row| row.instance.status == "available");
    let row = cloud.wait_until(LONG, is_available).await.unwrap();
    let endpoint = row.instance.endpoint.unwrap();
    assert!(answers(endpoint.port));
    assert!(cloud.operations().is_group_in_use(&cloud, "sg-1"));
    assert_eq!(row.password, None);
    change_password(&cloud, dir.path()).await;
    close(cloud).await;
    assert!(!answers(endpoint.port));

    let cloud = open(dir.path()).await;
    assert_eq!(status(&cloud).await.unwrap().endpoint.unwrap(), endpoint);
    assert!(answers(endpoint.port));

    let delete = || DeleteDbInstance {
        identifier: "notes".to_owned(),
        skip_final_snapshot: false,
        final_snapshot: Some("last".to_owned()),
    };
    let refused = call(&cloud, delete()).await.err().unwrap();
    assert!(refused.message.starts_with("Cannot delete protected DB Instance"));
    let input = ModifyDbInstance {
        identifier: "notes".to_owned(),
        deletion_protection: Some(false),
        ..ModifyDbInstance::default()
    };
    call(&cloud, input).await.unwrap();
    call(&cloud, delete()).await.unwrap();
    let store = cloud.part::<RdsStore>();
    let is_gone = || store.instances.values().is_empty().then_some(());
    cloud.wait_until(LONG, is_gone).await.unwrap();
    assert!(!cloud.operations().is_group_in_use(&cloud, "sg-1"));

    assert!(!answers(endpoint.port));
    let place = store.snapshots.get("last").unwrap().place.unwrap();
    assert!(place.exists());
    std::fs::write(place.join("data/marker"), "kept").unwrap();
    let restore = |snapshot: &str| RestoreDbInstanceFromDbSnapshot {
        identifier: "again".to_owned(),
        snapshot: snapshot.to_owned(),
        ..RestoreDbInstanceFromDbSnapshot::default()
    };
    assert_eq!(call(&cloud, restore("other")).await.err().unwrap().code, "DBSnapshotNotFound");
    call(&cloud, restore("last")).await.unwrap();
    let row = cloud.wait_until(LONG, || store.instances.find(|row| row.instance.status == "available")).await;
    let row = row.unwrap();
    assert_eq!(row.instance.master_username, "app");
    let own = row.place.unwrap();
    assert!(own != place && own.join("data/marker").exists());
    assert!(answers(row.instance.endpoint.unwrap().port));
    let input = DeleteDbInstance {
        identifier: "again".to_owned(),
        skip_final_snapshot: true,
        ..DeleteDbInstance::default()
    };
    call(&cloud, input).await.unwrap();
    cloud.wait_until(LONG, is_gone).await.unwrap();
    assert!(place.exists() && !own.exists());

    let principal = Principal::operator("000000000000");
    let input = serde_json::json!({ "DBSnapshotIdentifier": "last" });
    cloud.dispatch(&principal, ("rds", "DeleteDBSnapshot"), input).await.unwrap();
    assert!(!place.exists());
    close(cloud).await;
}
