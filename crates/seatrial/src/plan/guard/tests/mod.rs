//! Each rule: what it refuses, and the neighbour that it lets through.

use super::*;

const LISTENER: &str = "AWS::ElasticLoadBalancingV2::Listener";
const RULE: &str = "AWS::ElasticLoadBalancingV2::ListenerRule";

fn change(kind: &str, action: Action, replacement: Replacement, property: &str) -> Change {
    let properties = if property.is_empty() { vec![] } else { vec![property.to_owned()] };
    Change {
        logical_id: "It".to_owned(),
        physical_id: None,
        kind: kind.to_owned(),
        action,
        replacement,
        properties,
        scope: vec!["Properties".to_owned()],
    }
}

fn refused(change: &Change, rules: &Rules<'_>) -> Option<String> {
    refusals(std::slice::from_ref(change), rules).first().map(ToString::to_string)
}

#[test]
fn any_change_of_a_code_deploy_service_is_refused() {
    let template = serde_json::json!({"Resources": {
        "It": {"Type": SERVICE, "Properties": {"DeploymentController": {"Type": "CODE_DEPLOY"}}},
        "Other": {"Type": SERVICE, "Properties": {}}}});
    let rules = Rules { code_deploy_services: code_deploy_services(&template), ..Rules::default() };
    assert_eq!(Vec::from_iter(&rules.code_deploy_services), ["It"]);
    let tags = change(SERVICE, Action::Modify, Replacement::False, "Tags");
    let expected = "AWS::ECS::Service `It` is frozen while CodeDeploy deploys it, found a change of `Tags`";
    assert_eq!(refused(&tags, &rules).unwrap(), expected);
    assert_eq!(refused(&tags, &Rules::default()), None);
    assert_eq!(refused(&change(SERVICE, Action::Add, Replacement::False, ""), &rules), None);
}

fn route(logical_id: &str, listener: Option<&str>) -> BTreeSet<Route> {
    BTreeSet::from([Route { logical_id: logical_id.to_owned(), listener: listener.map(str::to_owned) }])
}

#[test]
fn what_leads_to_the_application_is_sent_only_with_the_group_that_is_live() {
    let rules = |sent, live| {
        let deployed = route("It", Some("Listener"));
        let wanted = deployed.clone();
        let traffic = Traffic { is_owner: true, deployed, wanted, sent, live, ..Traffic::default() };
        Rules { traffic, ..Rules::default() }
    };
    for (replacement, action) in [
        (Replacement::False, Action::Modify),
        (Replacement::True, Action::Modify),
        (Replacement::False, Action::Add),
        (Replacement::False, Action::SyncWithActual),
    ] {
        let rule = change(RULE, action, replacement, "Conditions");
        let torn = refused(&rule, &rules(Some("blue"), Some("green"))).unwrap();
        assert!(torn.contains("with `blue`, while `green` is live"), "{torn}");
        assert!(refused(&rule, &rules(None, Some("green"))).is_some());
        assert_eq!(refused(&rule, &rules(Some("green"), Some("green"))), None);
    }
    // Before there is anything live, nothing can be moved.
    assert_eq!(refused(&change(RULE, Action::Add, Replacement::False, ""), &rules(Some("blue"), None)), None);
}

#[test]
fn what_names_neither_group_moves_nothing() {
    let listener = change(LISTENER, Action::Modify, Replacement::False, "Certificates");
    let traffic = Traffic { is_owner: true, live: Some("green"), ..Traffic::default() };
    assert_eq!(refused(&listener, &Rules { traffic, ..Rules::default() }), None);
}

#[test]
fn the_way_to_the_application_is_taken_away_only_where_another_is_made() {
    let traffic = |deployed: BTreeSet<Route>, wanted| Traffic {
        is_owner: true,
        deployed,
        wanted,
        sent: Some("blue"),
        live: Some("blue"),
        ..Traffic::default()
    };
    let removed = change(RULE, Action::Remove, Replacement::False, "");
    let mut added = change(RULE, Action::Add, Replacement::False, "");
    added.logical_id = "Other".to_owned();
    let rules = Rules { traffic: traffic(route("It", None), route("Other", None)), ..Rules::default() };
    assert!(refused(&removed, &rules).unwrap().contains("the way to the application"));
    assert!(refusals(&[removed, added], &rules).is_empty());

    let emptied = change(LISTENER, Action::Modify, Replacement::False, "DefaultActions");
    let bare = Rules { traffic: traffic(route("It", None), BTreeSet::new()), ..Rules::default() };
    assert!(refused(&emptied, &bare).unwrap().contains("no rule does in its place"));
    let mut both = route("It", None);
    both.extend(route("Rule", Some("It")));
    let covered = Rules { traffic: traffic(both, route("Rule", Some("It"))), ..Rules::default() };
    assert_eq!(refused(&emptied, &covered), None);
}

#[test]
fn a_rule_of_a_users_stack_may_not_name_our_groups() {
    let traffic = Traffic { wanted: route("It", None), ..Traffic::default() };
    let rules = Rules { traffic, ..Rules::default() };
    assert!(refused(&change(RULE, Action::Add, Replacement::False, ""), &rules).is_some());
    assert_eq!(refused(&change(RULE, Action::Remove, Replacement::False, ""), &rules), None);
    // One that does so already may be mended.
    let traffic = Traffic { deployed: route("It", None), ..Traffic::default() };
    let mended = change(RULE, Action::Modify, Replacement::False, "Actions");
    assert_eq!(refused(&mended, &Rules { traffic, ..Rules::default() }), None);
}

#[test]
fn what_serves_production_is_not_replaced_whoever_allows_it() {
    let allowed = ["load-balancer.It".parse().unwrap()];
    let traffic = Traffic {
        is_owner: true,
        wanted: route("New", None),
        sent: Some("green"),
        live: Some("green"),
        carriers: BTreeSet::from(["arn:it".to_owned()]),
        ..Traffic::default()
    };
    let rules = Rules { stack: "load-balancer", allow_replace: &allowed, traffic, ..Rules::default() };
    for replacement in [Replacement::True, Replacement::Conditional] {
        let group = Change {
            physical_id: Some("arn:it".to_owned()),
            ..change(
                "AWS::ElasticLoadBalancingV2::TargetGroup",
                Action::Modify,
                replacement,
                "ProtocolVersion",
            )
        };
        assert!(refused(&group, &rules).unwrap().contains("it serves production now"));
        let idle = Change { physical_id: Some("arn:other".to_owned()), ..group };
        assert_eq!(refused(&idle, &rules), None);
    }
    // Where HTTPS goes, its listener goes after the traffic has moved.
    let gone = Change {
        physical_id: Some("arn:it".to_owned()),
        ..change(LISTENER, Action::Remove, Replacement::False, "")
    };
    assert!(refused(&gone, &rules).is_some());
    let new = Change { logical_id: "New".to_owned(), ..change(RULE, Action::Add, Replacement::False, "") };
    assert!(refusals(&[gone, new], &rules).is_empty());
}

#[test]
fn what_stops_a_database_is_changed_only_if_an_interruption_is_allowed() {
    let of = |property| change("AWS::RDS::DBInstance", Action::Modify, Replacement::False, property);
    for loud in
        ["DBInstanceClass", "EngineVersion", "DBParameterGroupName", "BackupRetentionPeriod", "MultiAZ"]
    {
        assert!(refused(&of(loud), &Rules::default()).unwrap().contains(loud), "{loud}");
        assert_eq!(refused(&of(loud), &Rules { allow_interruption: true, ..Rules::default() }), None);
    }
    for calm in ["AllocatedStorage", "DeletionProtection", "Tags", "Metadata", "DeletionPolicy"] {
        assert_eq!(refused(&of(calm), &Rules::default()), None, "{calm}");
    }
}

#[test]
fn what_holds_data_is_replaced_or_removed_only_if_allowed_by_name() {
    let replaced = change("AWS::RDS::DBInstance", Action::Modify, Replacement::True, "StorageEncrypted");
    let expected = "AWS::RDS::DBInstance `It` would be replaced by a change of `StorageEncrypted`; it holds what is not made again";
    assert_eq!(refused(&replaced, &Rules::default()).unwrap(), expected);
    let removed = change("AWS::S3::Bucket", Action::Remove, Replacement::False, "");
    assert!(refused(&removed, &Rules::default()).unwrap().contains("would be removed"));
    let may = change("AWS::Logs::LogGroup", Action::Modify, Replacement::Conditional, "LogGroupName");
    assert!(refused(&may, &Rules::default()).unwrap().contains("may be replaced"));
    let allowed = ["data.It".parse().unwrap()];
    let rules = |stack| Rules { stack, allow_replace: &allowed, ..Rules::default() };
    assert_eq!(refused(&removed, &rules("data")), None);
    assert!(refused(&removed, &rules("other")).is_some());
    let changed = change("AWS::S3::Bucket", Action::Modify, Replacement::False, "Tags");
    assert_eq!(refused(&changed, &Rules::default()), None);
}

#[test]
fn what_another_stack_uses_is_kept_too() {
    let replaced = change("AWS::EC2::VPC", Action::Modify, Replacement::True, "CidrBlock");
    assert_eq!(refused(&replaced, &Rules::default()), None);
    let used = BTreeMap::from([("It".to_owned(), vec!["VpcId (database)".to_owned()])]);
    let found = refused(&replaced, &Rules { used, ..Rules::default() }).unwrap();
    assert!(found.ends_with("other stacks use it: VpcId (database)"), "{found}");
}
