//! What a release is played under: what goes wrong with it, how its traffic moves, and whether users speak TLS.

/// What becomes of the release.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scenario {
    /// It goes live.
    Deploy,
    /// It goes live, whatever its tasks meet, by the local cloud's word.
    Despite(&'static str),
    /// The local cloud's word for what its tasks meet, and the cause that must be told.
    Fault(&'static str, &'static str),
    /// Its migration fails, before there is anything to roll back.
    Migration,
    /// Somebody raises an alarm once all traffic is with it.
    Alarm,
    /// Somebody stops it as soon as its tasks start.
    Stop,
}

impl Scenario {
    /// Exit code of `release`, and the cause that it tells.
    pub(super) fn expected(self) -> (i32, Option<&'static str>) {
        match self {
            Self::Deploy | Self::Despite(_) => (0, None),
            Self::Fault(_, cause) => (4, Some(cause)),
            Self::Migration => (4, Some("migration")),
            Self::Alarm => (4, Some("alarm")),
            Self::Stop => (4, Some("stopped")),
        }
    }

    /// What its tasks meet, by the local cloud's word.
    pub(super) fn fault(self) -> Option<&'static str> {
        match self {
            Self::Despite(fault) | Self::Fault(fault, _) => Some(fault),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) scenario: Scenario,
    /// `deployment.traffic` of project.yml.
    pub(super) traffic: &'static str,
    pub(super) https: bool,
}

const ALL_AT_ONCE: &str = "AllAtOnce";
pub(super) const UNHEALTHY: Scenario = Scenario::Fault("unhealthy", "unhealthy");

/// What spoils the tasks of a release, by the name of its scenario.
pub(super) const FAULTS: [(&str, Scenario); 4] = [
    ("unhealthy", UNHEALTHY),
    ("crash", Scenario::Fault("crash", "exited")),
    ("missing-image", Scenario::Fault("missing-image", "missing_image")),
    ("denied-secret", Scenario::Fault("denied-secret", "denied_secret")),
];

/// Each scenario all at once, each strategy with a release that goes live, and some again over HTTPS.
pub(super) fn cases() -> Vec<Case> {
    let case = |name, scenario, traffic, https| Case { name, scenario, traffic, https };
    let others = [
        ("slow-start", Scenario::Despite("slow-start")),
        ("late-start", Scenario::Fault("late-start", "unhealthy")),
        ("bad-migration", Scenario::Migration),
        ("alarm", Scenario::Alarm),
        ("stop", Scenario::Stop),
    ];
    let scenarios = [("deploy", Scenario::Deploy)].into_iter().chain(FAULTS).chain(others);
    let strategies = [
        ("canary-5", "Canary10Percent5Minutes"),
        ("canary-15", "Canary10Percent15Minutes"),
        ("linear-1", "Linear10PercentEvery1Minutes"),
        ("linear-3", "Linear10PercentEvery3Minutes"),
        ("custom-canary", "Canary25Percent2Minutes"),
        ("custom-linear", "Linear30PercentEvery2Minutes"),
    ];
    let mut cases: Vec<Case> =
        scenarios.map(|(name, scenario)| case(name, scenario, ALL_AT_ONCE, false)).collect();
    cases.extend(strategies.map(|(name, traffic)| case(name, Scenario::Deploy, traffic, false)));
    cases.extend([
        case("https-deploy", Scenario::Deploy, ALL_AT_ONCE, true),
        case("https-unhealthy", UNHEALTHY, ALL_AT_ONCE, true),
        case("https-canary-5", Scenario::Deploy, strategies[0].1, true),
    ]);
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_has_a_name_of_its_own_and_each_predefined_strategy_is_played() {
        let cases = cases();
        for case in &cases {
            assert_eq!(cases.iter().filter(|other| other.name == case.name).count(), 1, "{}", case.name);
        }
        let predefined = [
            ALL_AT_ONCE,
            "Canary10Percent5Minutes",
            "Canary10Percent15Minutes",
            "Linear10PercentEvery1Minutes",
            "Linear10PercentEvery3Minutes",
        ];
        for traffic in predefined {
            assert!(cases.iter().any(|case| case.traffic == traffic && case.scenario == Scenario::Deploy));
        }
    }
}
