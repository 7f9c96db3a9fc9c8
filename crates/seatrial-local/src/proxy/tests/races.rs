//! What others do while a request looks for its target: each interleaving made certain by a step in the seam of
//! [`Group::pick`].

use std::sync::Mutex;

use proptest::prelude::*;

use super::super::target::Standing;
use http::HeaderMap;

use super::*;

fn healthy_target() -> Arc<Target> {
    let target = waiting_target();
    target.set_healthy(true);
    target
}

fn waiting_target() -> Arc<Target> {
    Arc::new(Target::new(([127, 0, 0, 1], 9).into(), Default::default()))
}

fn group_of(targets: &[&Arc<Target>]) -> Arc<Group> {
    let group = Arc::new(Group::default());
    targets.iter().for_each(|target| group.add(Arc::clone(target)));
    group
}

impl Group {
    pub(in crate::proxy) fn seam(&self) {
        let step = self.meanwhile.lock().unwrap().pop_front();
        if let Some(step) = step {
            step();
        }
    }
}

/// Does `step` while the group's next request is looking.
fn meanwhile(group: &Arc<Group>, step: impl FnOnce() + Send + 'static) {
    group.meanwhile.lock().unwrap().push_back(Box::new(step));
}

#[test]
fn a_request_is_sent_to_the_target_that_came_while_the_last_one_it_saw_was_drained() {
    let (old, fresh) = (healthy_target(), healthy_target());
    let group = group_of(&[&old]);
    let (of, old, new) = (Arc::clone(&group), Arc::clone(&old), Arc::clone(&fresh));
    meanwhile(&group, move || {
        of.add(new);
        old.drain();
    });

    assert!(Arc::ptr_eq(group.pick(&HeaderMap::new()).unwrap().target(), &fresh));
}

#[test]
fn a_group_fails_open_only_while_none_of_its_targets_is_healthy() {
    let (old, starting, fresh) = (healthy_target(), waiting_target(), healthy_target());
    let group = group_of(&[&old, &starting]);
    let (of, old, new) = (Arc::clone(&group), Arc::clone(&old), Arc::clone(&fresh));
    meanwhile(&group, move || {
        of.add(new);
        old.drain();
    });

    assert!(Arc::ptr_eq(group.pick(&HeaderMap::new()).unwrap().target(), &fresh));
}

/// A group under changes that leave it a healthy target at every moment.
struct World {
    group: Arc<Group>,
    targets: Vec<Arc<Target>>,
    ever_healthy: Vec<Arc<Target>>,
}

impl World {
    fn set_healthy(&mut self, target: &Arc<Target>) {
        target.set_healthy(true);
        self.ever_healthy.push(Arc::clone(target));
    }

    /// One change: what, and on which target.
    fn change(&mut self, (what, which): (u8, usize)) {
        let which = Arc::clone(&self.targets[which % self.targets.len()]);
        let others = self.targets.iter().filter(|target| !Arc::ptr_eq(target, &which));
        let spare = others.filter(|target| target.standing() == Standing::Healthy).count() > 0;
        match what {
            0 => {
                let fresh = waiting_target();
                self.targets.push(Arc::clone(&fresh));
                self.group.add(Arc::clone(&fresh));
                self.set_healthy(&fresh);
            }
            1 => {
                let fresh = waiting_target();
                self.targets.push(Arc::clone(&fresh));
                self.group.add(fresh);
            }
            2 if spare => which.drain(),
            3 if spare => {
                which.drain();
                self.group.remove(&which);
                self.targets.retain(|target| !Arc::ptr_eq(target, &which));
            }
            4 if spare => which.set_healthy(false),
            _ if which.standing() != Standing::Draining => self.set_healthy(&which),
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn a_group_that_is_never_without_a_healthy_target_loses_no_request_and_asks_none_that_never_was(
        before in prop::collection::vec((0_u8..6, 0_usize..8), 0..8),
        during in prop::collection::vec(prop::collection::vec((0_u8..6, 0_usize..8), 0..4), 0..6),
    ) {
        let first = healthy_target();
        let group = group_of(&[&first]);
        let targets = vec![Arc::clone(&first)];
        let mut world = World { group: Arc::clone(&group), targets, ever_healthy: vec![first] };
        before.into_iter().for_each(|change| world.change(change));
        let world = Arc::new(Mutex::new(world));
        for changes in during {
            let world = Arc::clone(&world);
            meanwhile(&group, move || {
                let mut world = world.lock().unwrap();
                changes.into_iter().for_each(|change| world.change(change));
            });
        }

        let entered = group.pick(&HeaderMap::new());

        let entered = entered.expect("a request was lost");
        let known = &world.lock().unwrap().ever_healthy;
        prop_assert!(known.iter().any(|target| Arc::ptr_eq(target, entered.target())));
    }
}

/// A port whose rules send everything to blue.
struct Deployment {
    gate: Arc<Gate>,
    blue: Arc<Group>,
    blue_target: Arc<Target>,
    green: Arc<Group>,
    _green_server: Server,
}

impl Deployment {
    async fn new(blue_target: Arc<Target>) -> Self {
        blue_target.set_healthy(true);
        let green_server = server("green").await;
        green_server.target.set_healthy(true);
        let (blue, green) = (group_of(&[&blue_target]), group_of(&[&green_server.target]));
        let gate = Arc::new(Gate::open(None, everybody()).unwrap());
        gate.set_rules(Some(forward(&[(&blue, 100), (&green, 0)])));
        Self { gate, blue, blue_target, green, _green_server: green_server }
    }

    /// The end of a deployment, between a request's choice of blue and its entering there: the traffic is on
    /// other rules, and blue's last target drained and gone.
    fn end_meanwhile(&self, rules: Option<Arc<Rules>>) {
        let (gate, blue) = (Arc::clone(&self.gate), Arc::clone(&self.blue));
        let target = Arc::clone(&self.blue_target);
        meanwhile(&self.blue, move || {
            gate.set_rules(rules);
            target.drain();
            blue.remove(&target);
        });
    }
}

#[tokio::test]
async fn a_request_that_chose_blue_before_the_swap_and_finds_it_drained_is_answered_by_the_new_rules() {
    let fixed = Fixed { status: 418, content_type: "text/plain".to_owned(), body: "fixed".to_owned() };
    let outcomes = [
        (None::<Action>, (StatusCode::OK, "green")),
        (Some(Action::Fixed(fixed)), (StatusCode::IM_A_TEAPOT, "fixed")),
    ];
    for (action, (status, body)) in outcomes {
        let deployment = Deployment::new(server("blue").await.target).await;
        let to_green = || forward(&[(&deployment.blue, 0), (&deployment.green, 100)]);
        deployment.end_meanwhile(Some(action.map_or_else(to_green, rules)));

        let answered = fetch(&client(), Method::POST, &deployment.gate, "order").await;

        assert_eq!(answered, (status, body.to_owned()));
        assert_eq!(deployment.blue.figures().snapshot().load_balancer_5xx, 0);
    }
}

#[tokio::test]
async fn a_group_that_drained_under_rules_that_still_choose_it_is_503() {
    let deployment = Deployment::new(server("blue").await.target).await;
    deployment.end_meanwhile(Some(forward(&[(&deployment.blue, 1)])));

    let (status, _) = fetch(&client(), Method::GET, &deployment.gate, "").await;

    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let figures = deployment.blue.figures().snapshot();
    assert_eq!((figures.requests, figures.load_balancer_5xx), (1, 1));
}
