//! What becomes of the data: the final snapshot, and a database made from one.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use crate::workbench::Workbench;

const PROVISION: [&str; 6] = ["provision", "--yes", "--environment", "account", "--output", "json"];
const DESTROY: [&str; 6] = ["destroy", "--yes", "--environment", "account", "--output", "json"];
const SNAPSHOT: &str = "AWS::RDS::DBSnapshot ";

fn with_database() -> Workbench {
    let workbench = Workbench::started();
    for (stack, text) in [
        ("network", include_str!("../../../../infra/stacks/network.yml")),
        ("security-groups", include_str!("../../../../infra/stacks/security-groups.yml")),
        ("database", include_str!("../../../../infra/stacks/database.yml")),
    ] {
        workbench.write(&format!("infra/stacks/{stack}.yml"), text);
    }
    workbench
}

/// The final snapshots that a destroy kept.
fn snapshots(destroyed: &serde_json::Value) -> Vec<String> {
    let kept = destroyed["kept"].as_array().unwrap().iter().map(|kept| kept.as_str().unwrap());
    kept.filter_map(|kept| kept.strip_prefix(SNAPSHOT)).map(str::to_owned).collect()
}

#[test]
fn a_destroyed_database_leaves_a_snapshot_that_is_told_and_can_be_provisioned_from() {
    let workbench = with_database();
    assert_eq!(workbench.run(&PROVISION).code, Some(0));

    let told = workbench.run(&["destroy", "--dry-run", "--environment", "account"]);
    assert!(told.stdout.contains("of which a final snapshot is kept"), "{told:?}");
    let destroyed = workbench.run(&DESTROY);
    assert_eq!(destroyed.code, Some(0), "{destroyed:?}");
    let [snapshot] = &snapshots(&destroyed.object())[..] else { panic!("{destroyed:?}") };

    let project = workbench.read("infra/project.yml");
    let with = format!("region: eu-central-1, database: {{snapshot: {snapshot}}}");
    workbench.write("infra/project.yml", &project.replace("region: eu-central-1", &with));
    let restored = workbench.run(&PROVISION);
    assert_eq!(restored.code, Some(0), "{restored:?}");
    assert_eq!(workbench.parameters("tiny-account-database")["DatabaseSnapshot"], *snapshot);
    assert_eq!(workbench.calls("CreateDBInstance"), 1);
    assert_eq!(workbench.calls("RestoreDBInstanceFromDBSnapshot"), 1);
    assert_eq!(workbench.run(&PROVISION).object()["changed"], false);

    // Without the line, CloudFormation would replace the database by an empty one.
    workbench.write("infra/project.yml", &project);
    let refused = workbench.run(&PROVISION);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("Database"), "{refused:?}");

    // The snapshot that was there before is not this destroy's to delete.
    let destroyed = workbench.run(&[&DESTROY[..], &["--delete-data"]].concat());
    assert_eq!((destroyed.code, snapshots(&destroyed.object())), (Some(0), Vec::new()), "{destroyed:?}");
    assert_eq!(workbench.calls("DeleteDBSnapshot"), 1);
    workbench.write("infra/project.yml", &project.replace("region: eu-central-1", &with));
    assert_eq!(workbench.run(&PROVISION).code, Some(0));
}
