//! What the events of a service say, and how many are kept.

use super::*;

/// After green has taken blue's place: green's targets were registered, blue's were taken off and drained, after its tasks
/// had been told to stop.
pub(super) async fn tell_of_both(cloud: &Cloud, service: &Service, blue: &str) {
    let (on, off) = (target_group(cloud, "Green").await, target_group(cloud, "Blue").await);
    let green = &service.task_sets[0].id;
    let told = |message: &str| service.events.iter().filter(|event| event.message == message).count();
    let registered = format!("(service s, taskSet {green}) registered 1 targets in (target-group {on})");
    let deregistered = format!("(service s, taskSet {blue}) deregistered 1 targets in (target-group {off})");
    let drains = format!("(service s, taskSet {blue}) has begun draining connections on 1 tasks.");
    assert_eq!((told(&registered), told(&deregistered), told(&drains)), (2, 2, 2), "{:#?}", service.events);

    let newest = |words: &str| service.events.iter().position(|event| event.message.contains(words)).unwrap();
    let (stopped, off, drained) =
        (newest("has stopped 2 running tasks"), newest(") deregistered 1"), newest("has begun draining"));
    assert!(drained < off && off < stopped, "{:#?}", service.events);
    let times: Vec<_> = service.events.iter().map(|event| event.created_at.0).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
}

#[tokio::test]
async fn a_service_keeps_its_hundred_newest_events() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = crate::tests::cloud_in(dir.path());
    let store = cloud.part::<store::EcsStore>();
    store.services.put("c/s", &Service { service_name: "s".to_owned(), ..Service::default() }).unwrap();

    for number in 0..103 {
        store.tell(&cloud, "c/s", None, &format!("event {number}")).unwrap();
    }

    let events = store.services.get("c/s").unwrap().events;
    let (first, last) = (&events[0].message, &events[99].message);
    assert_eq!(
        (events.len(), first.as_str(), last.as_str()),
        (100, "(service s) event 102", "(service s) event 3")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_the_load_balancer_refuses_is_told_with_its_error() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    let definition = define(&cloud, json!({})).await;
    cloud
        .faults()
        .arm(Fault { operation: Some("RegisterTargets".to_owned()), ..Fault::new(FaultKind::Error) });

    make_service(&cloud, &definition).await;

    let service = when(&cloud, is_steady).await;
    let blue = target_group(&cloud, "Blue").await;
    let reason = "a fault was injected into this call";
    let told = format!(") failed to register targets in (target-group {blue}) with (error {reason})");
    assert!(service.events.iter().any(|event| event.message.ends_with(&told)), "{:#?}", service.events);
    close(&cloud).await;
}
