//! The one way to wait for something in AWS: ask, pause, ask again, with a deadline, a budget of passing errors, and
//! an ear for whoever wants the command to end.

use std::time::Duration;

use tokio::time::Instant;

use crate::aws::{Aws, AwsError};
use crate::exit::DeadlinePassed;
use crate::output::Event;
use crate::session::Session;

/// For so long AWS may be busy or unreachable before the waiting ends. The SDK has tried each call several times
/// already.
const TROUBLE: Duration = Duration::from_secs(5 * 60);

/// What one look saw.
pub(crate) enum Look<T> {
    /// It is over.
    Ended(T),
    /// Something happened: ask again soon.
    News,
    Nothing,
}

/// Pauses that grow while nothing happens, up to a limit, until a deadline.
pub(crate) struct Poll<'a> {
    session: &'a Session,
    /// Says that what is asked has ended, so that no error passes.
    ended: Box<dyn Fn() -> Option<String> + 'a>,
    what: String,
    first: Duration,
    limit: Duration,
    next: Duration,
    started: Instant,
    patience: Duration,
    trouble: Option<Instant>,
}

impl<'a> Poll<'a> {
    /// Waits for `what` at most so long. AWS publishes no rates; one call an object every few seconds has never been
    /// throttled. The local cloud may be asked much more often.
    pub(crate) fn new(
        session: &'a Session,
        local: bool,
        what: impl Into<String>,
        patience: Duration,
    ) -> Self {
        let (first, limit) = if local { (25, 250) } else { (3_000, 12_000) };
        let first = Duration::from_millis(first);
        Self {
            session,
            ended: Box::new(|| None),
            what: what.into(),
            first,
            limit: Duration::from_millis(limit),
            next: first,
            started: session.clock.now(),
            patience,
            trouble: None,
        }
    }

    /// Never slower than a release is judged: three seconds after a sign on AWS it is to be stopped. In the local cloud, where
    /// it takes seconds from end to end, not as fast as a stack of nothing is made.
    pub(super) fn of_a_release(self, local: bool) -> Self {
        let (first, limit) = if local { (100, 400) } else { (1_500, 2_500) };
        let first = Duration::from_millis(first);
        Self { first, limit: Duration::from_millis(limit), next: first, ..self }
    }

    /// Asks this cloud, which may end meanwhile where it is one on this machine.
    pub(super) fn of(self, aws: &'a Aws) -> Self {
        Self { ended: Box::new(|| aws.has_ended()), ..self }
    }

    /// Looks again and again until it is over.
    ///
    /// # Errors
    /// [`DeadlinePassed`]; [`crate::exit::Interrupted`]; any error that does not pass, at once; one that passes when it
    /// has not passed for five minutes, or what is asked has ended.
    pub(crate) async fn until<T>(
        &mut self,
        mut look: impl AsyncFnMut() -> anyhow::Result<Look<T>>,
    ) -> anyhow::Result<T> {
        loop {
            match self.session.cancel.unless_cancelled(look()).await? {
                Ok(Look::Ended(value)) => return Ok(value),
                Ok(Look::News) => {
                    self.trouble = None;
                    self.next = self.first;
                }
                Ok(Look::Nothing) => self.trouble = None,
                Err(error) => self.bear(error)?,
            }
            self.pause().await?;
        }
    }

    /// Bears an error that may pass.
    fn bear(&mut self, error: anyhow::Error) -> anyhow::Result<()> {
        let passing =
            error.chain().any(|cause| cause.downcast_ref::<AwsError>().is_some_and(|error| error.passing));
        let now = self.session.clock.now();
        let since = *self.trouble.get_or_insert(now);
        if let Some(ended) = (self.ended)().filter(|_| passing) {
            return Err(error.context(ended));
        }
        if !passing || now.duration_since(since) > TROUBLE {
            return Err(error);
        }
        if since == now {
            let told = format!("AWS is busy or out of reach, asking again: {error:#}");
            self.session.printer.tell(Event::text("follow", told.replace('\n', " ")));
        }
        Ok(())
    }

    /// Waits before the next look.
    async fn pause(&mut self) -> anyhow::Result<()> {
        self.session.cancel.check()?;
        if self.session.clock.now().duration_since(self.started) > self.patience {
            return Err(DeadlinePassed { what: self.what.clone(), patience: self.patience }.into());
        }
        // A tenth more or less, so that followers of several stacks do not ask at the same moment.
        let pause = self.next.mul_f64(rand::random_range(0.9..1.1));
        self.session.cancel.unless_cancelled(self.session.clock.sleep(pause)).await?;
        self.next = self.next.mul_f64(1.5).min(self.limit);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::aws::tests::error as answered;
    use crate::exit::Interrupted;
    use crate::output::{Format, Printer};

    fn error(passing: bool) -> anyhow::Error {
        let code = if passing { "ServiceUnavailable" } else { "AccessDenied" };
        answered(code, "no", passing).into()
    }

    /// Polls something that answers by how long it was polled already.
    async fn polled(
        session: &Session,
        patience: Duration,
        look: impl Fn(Duration) -> anyhow::Result<Look<u32>>,
    ) -> anyhow::Result<u32> {
        let started = session.clock.now();
        let mut poll = Poll::new(session, false, "the thing", patience);
        poll.until(async || look(session.clock.now() - started)).await
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn two_minutes_of_passing_errors_end_nothing() {
        let session = Session::new(Printer::new(Format::Text), "cargo xtask");
        let answer = |since: Duration| match since.as_secs() {
            10..130 => Err(error(true)),
            0..10 => Ok(Look::Nothing),
            _ => Ok(Look::Ended(7)),
        };

        assert_eq!(polled(&session, HOUR, answer).await.unwrap(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn errors_that_never_pass_end_it_with_their_own_words() {
        let session = Session::new(Printer::new(Format::Text), "cargo xtask");

        let ended = polled(&session, HOUR, |_| Err(error(true))).await.unwrap_err();

        assert!(format!("{ended:#}").contains("ServiceUnavailable: no"), "{ended:#}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_error_passes_once_the_cloud_that_is_asked_has_ended() {
        let session = Session::new(Printer::new(Format::Text), "cargo xtask");
        let started = session.clock.now();
        let ended = || (started.elapsed().as_secs() > 10).then(|| "it has ended".to_owned());
        let mut poll = Poll { ended: Box::new(ended), ..Poll::new(&session, false, "the thing", HOUR) };

        let told = poll.until(async || Err::<Look<u32>, _>(error(true))).await.unwrap_err();

        assert!(started.elapsed() < TROUBLE);
        assert!(format!("{told:#}").starts_with("it has ended: "), "{told:#}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_that_does_not_pass_ends_it_at_once() {
        let session = Session::new(Printer::new(Format::Text), "cargo xtask");
        let looks = Cell::new(0);
        let answer = |_| {
            looks.set(looks.get() + 1);
            Err(error(false))
        };

        let ended = polled(&session, HOUR, answer).await.unwrap_err();

        assert!(format!("{ended:#}").contains("AccessDenied: no"), "{ended:#}");
        assert_eq!(looks.get(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_comes_out_as_what_it_is() {
        let session = Session::new(Printer::new(Format::Text), "cargo xtask");

        let ended = polled(&session, HOUR, |_| Ok(Look::News)).await.unwrap_err();

        assert!(ended.is::<DeadlinePassed>(), "{ended:#}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_wants_the_command_to_end_is_heard_between_and_during_looks() {
        let session = Session::new(Printer::new(Format::Text), "cargo xtask");
        let mut poll = Poll::new(&session, false, "the thing", HOUR);
        let cancel = session.cancel.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            cancel.cancel();
        });

        let ended =
            poll.until(async || std::future::pending::<anyhow::Result<Look<u32>>>().await).await.unwrap_err();

        assert!(ended.is::<Interrupted>());
    }
}
