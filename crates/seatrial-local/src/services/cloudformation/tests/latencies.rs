//! Resources that take as long as on AWS, in the time of a test: it passes only where nothing else is to be done.

use tokio::time::Instant;

use super::*;

/// At the time scale of 60: 10 s, 20 s and 30 s.
const FILE: &str = "Test::Local::Thing: {create: 600, update: 1200, delete: 1800}\n";

async fn slow() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("latencies.yml");
    std::fs::write(&file, FILE).unwrap();
    Fixture::with_latencies(crate::read_latencies(&file).unwrap()).await
}

impl Fixture {
    /// How many seconds pass until the stack is at rest in `status`.
    async fn takes(&self, id: &str, status: &str) -> u64 {
        let begun = Instant::now();
        while self.local.cloud().part::<super::super::store::Store>().stack(id).unwrap().status.is_in_flight()
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(self.settled(id).await, status);
        begun.elapsed().as_secs()
    }
}

fn things(needs: &[(&str, &str)]) -> String {
    let one = |(id, needs): &(&str, &str)| {
        let needs = if needs.is_empty() { String::new() } else { format!(", DependsOn: [{needs}]") };
        format!("  {id}: {{Type: Test::Local::Thing{needs}}}\n")
    };
    format!("Resources:\n{}", needs.iter().map(one).collect::<String>())
}

#[tokio::test(start_paused = true)]
async fn a_stack_takes_its_critical_path_to_be_made_and_deleted() {
    let table: [(&[(&str, &str)], u64); 4] = [
        (&[("A", "")], 1),
        (&[("A", ""), ("B", ""), ("C", "")], 1),
        (&[("A", ""), ("B", "A"), ("C", "B")], 3),
        (&[("A", ""), ("B", "A"), ("C", ""), ("D", "C, B"), ("E", "A")], 3),
    ];
    for (needs, path) in table {
        let fixture = slow().await;
        let id = fixture.create(&things(needs)).await;
        assert_eq!(fixture.takes(&id, "CREATE_COMPLETE").await, path * 10, "{needs:?}");

        fixture.call("DeleteStack", json!({"StackName": id})).await;
        assert_eq!(fixture.takes(&id, "DELETE_COMPLETE").await, path * 30, "{needs:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_changed_takes_an_update_and_what_is_not_takes_nothing() {
    let fixture = slow().await;
    let template = |other: &str| {
        format!("{}  C: {{Type: Test::Local::Thing, Properties: {{Other: {other}}}}}\n", things(&[("A", "")]))
    };
    let id = fixture.create(&template("1")).await;
    fixture.settled(&id).await;

    fixture.update(&template("2")).await;

    assert_eq!(fixture.takes(&id, "UPDATE_COMPLETE").await, 20);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_refused_at_once_and_what_was_being_made_is_cancelled_and_undone() {
    let fixture = slow().await;
    let failing = "  B: {Type: Test::Local::Thing, Properties: {Fails: true}}\n";
    let id = fixture.create(&format!("{}{failing}", things(&[("A", "")]))).await;

    assert_eq!(fixture.takes(&id, "ROLLBACK_COMPLETE").await, 30);
    let events = fixture.events(&id).await;
    assert!(
        events.iter().any(|event| event.starts_with("A CREATE_FAILED Resource creation cancelled")),
        "{events:?}"
    );
    assert!(events.iter().any(|event| event.starts_with("A DELETE_COMPLETE")), "{events:?}");
}
