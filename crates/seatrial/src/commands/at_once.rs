//! How many of a thing are worked on at a time.

use futures_util::stream::{StreamExt as _, iter};

/// Stacks, at most: each takes a call every second or two, and CloudFormation throttles an account's calls. Eleven of
/// ours, and as many of the user's.
pub(crate) const AT_ONCE: usize = 24;

/// Awaits all, so many at a time; the answers come in the order of the futures.
pub(crate) async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    iter(futures).buffered(AT_ONCE).collect().await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn so_many_are_under_way_at_a_time_and_none_is_lost() {
        let (now, most) = (Cell::new(0), Cell::new(0));
        let one = async |number: usize| {
            now.set(now.get() + 1);
            most.set(most.get().max(now.get()));
            tokio::task::yield_now().await;
            now.set(now.get() - 1);
            number
        };

        let answers = all((0..200).map(one)).await;

        assert_eq!(answers, (0..200).collect::<Vec<_>>());
        assert_eq!(most.get(), AT_ONCE);
    }
}
