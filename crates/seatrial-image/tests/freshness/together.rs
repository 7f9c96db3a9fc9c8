//! Two projects that build at once in one cache.

use crate::fixture::Fixture;

#[tokio::test]
async fn two_projects_that_share_a_cache_each_get_their_own_program() {
    let (one, two) = (Fixture::saying("one"), Fixture::saying("two"));
    let cache = tempfile::tempdir().unwrap();
    let (alone, nothing) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let one_alone = one.try_build(alone.path()).await.unwrap().digest;
    let two_alone = two.try_build(nothing.path()).await.unwrap().digest;
    assert_ne!(one_alone, two_alone);
    for round in 1..=20 {
        let (first, second) = tokio::join!(one.try_build(cache.path()), two.try_build(cache.path()));
        let found = (first.unwrap().digest, second.unwrap().digest);
        assert_eq!(found, (one_alone.clone(), two_alone.clone()), "round {round}");
    }
}
