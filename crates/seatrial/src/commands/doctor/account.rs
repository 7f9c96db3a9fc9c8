//! What must be true of the account, as its caller sees it. Reads only; what no call of ours can tell is said with the
//! command that can.

use std::path::Path;

use futures_util::future::join_all;
use seatrial_project::{Environment, NetworkMode};

use super::finding::Finding;
use super::private;
use super::privileges::privileges;
use crate::aws::{Aws, AwsError, Target};
use crate::commands::deployed::Deployed;
use crate::commands::provision::{LINKED, handshake_link, kept_connection};
use crate::context::Ctx;
use crate::exit::Interrupted;
use crate::hint::Hint as _;
use crate::plan::owned::Owned;
use crate::session::Session;

/// Commercial regions without the source action for connections (CodePipeline guide,
/// action-reference-CodestarConnectionSource); GovCloud (US-West) likewise.
const WITHOUT_CONNECTIONS: [&str; 12] = [
    "af-south-1",
    "ap-east-1",
    "ap-northeast-3",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "eu-central-2",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "us-gov-west-1",
];

/// The checks of an account.
///
/// # Errors
/// [`Interrupted`].
pub(super) async fn checks(
    session: &Session,
    root: &Path,
    environment: &Environment,
) -> anyhow::Result<Vec<Finding>> {
    let target = Target::Account { region: environment.region.clone() };
    let aws = Aws::connect(target, &session.command_name, session.changes.clone()).await;
    let mut found = vec![region(&environment.region)];
    let (identity, caller) = identity(session, &aws, environment).await?;
    found.push(identity);
    if let Some(caller) = caller {
        found.push(privileges(session, &aws, &caller).await?);
        let ctx = Ctx {
            session: session.clone(),
            root: root.to_owned(),
            environment: environment.clone(),
            aws,
            local: None,
        };
        found.push(connection(&ctx).await?);
        found.extend(private::secrets(&ctx).await?);
        found.extend(roles(&ctx).await?);
    }
    found.extend(unasked(environment));
    Ok(found)
}

fn region(name: &str) -> Finding {
    match WITHOUT_CONNECTIONS.contains(&name) {
        false => Finding::ok("region", format!("{name} has the source action for connections")),
        true => Finding::failed(
            "region",
            format!("CodePipeline has no source action for connections in {name}"),
            "choose another region: https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html",
        ),
    }
}

/// Who calls, and the caller's ARN where that is in the account that project.yml means.
async fn identity(
    session: &Session,
    aws: &Aws,
    environment: &Environment,
) -> anyhow::Result<(Finding, Option<String>)> {
    const CHECK: &str = "identity";
    Ok(match session.cancel.unless_cancelled(aws.get_caller_identity()).await? {
        Ok(caller) if caller.account == environment.account => {
            (Finding::ok(CHECK, format!("{} in account {}", caller.arn, caller.account)), Some(caller.arn))
        }
        Ok(caller) => {
            let found = format!(
                "environment `{}` is in account {}, but the caller `{}` is in account {}",
                environment.name, environment.account, caller.arn, caller.account
            );
            (Finding::failed(CHECK, found, "choose another AWS_PROFILE or environment"), None)
        }
        Err(error) => {
            let remedy = error.hints().into_iter().next();
            let remedy = remedy.unwrap_or_else(|| "check AWS_PROFILE and the network".to_owned());
            (Finding::failed(CHECK, one_line(&error), remedy), None)
        }
    })
}

fn one_line(error: &AwsError) -> String {
    error.to_string().replace("\n  ", ", ")
}

/// The connection's handshake, without which the pipeline finds no source.
async fn connection(ctx: &Ctx) -> anyhow::Result<Finding> {
    const CHECK: &str = "connection";
    let asked = async {
        let used = Deployed::read(ctx).await?.output(Owned::ConnectionArn).map(str::to_owned);
        let named = used.or_else(|| ctx.environment.source.connection_arn.clone());
        let found = if named.is_some() { named } else { kept_connection(ctx).await? };
        let Some(arn) = found else { return anyhow::Ok(None) };
        Ok(Some((ctx.reading(ctx.aws.connection_status(&arn)).await?, arn)))
    };
    Ok(match asked.await {
        Ok(None) => {
            Finding::ok(CHECK, "there is none yet: provision makes it and prints the handshake's link")
        }
        Ok(Some((status, arn))) if status == "AVAILABLE" => Finding::ok(CHECK, format!("{arn} is AVAILABLE")),
        Ok(Some((status, arn))) => {
            let remedy = format!("complete the handshake at {}", handshake_link(ctx));
            Finding::failed(CHECK, format!("{arn} is {status}, expected AVAILABLE"), remedy)
        }
        Err(error) if error.is::<Interrupted>() => return Err(error),
        Err(error) => Finding::not_checked(CHECK, error.to_string().replace("\n  ", ", "), None),
    })
}

/// The roles by which services act. One that is missing stands in nobody's way who may make it.
async fn roles(ctx: &Ctx) -> anyhow::Result<Vec<Finding>> {
    const CHECK: &str = "roles";
    let one = async |service: &str, role: &str| {
        Ok(match ctx.session.cancel.unless_cancelled(ctx.aws.role_exists(role)).await? {
            Ok(true) => Finding::ok(CHECK, format!("{role} is there")),
            Ok(false) => Finding::ok(CHECK, format!("{role} is missing: provision makes it")),
            Err(error) => {
                let command = format!("aws iam create-service-linked-role --aws-service-name {service}");
                Finding::not_checked(CHECK, one_line(&error), Some(format!("if it is missing: `{command}`")))
            }
        })
    };
    let found = join_all(LINKED.iter().map(|(_, service, role)| one(service, role))).await;
    found.into_iter().collect()
}

/// Limits that no service we speak to tells, with who does and what they mean.
fn unasked(environment: &Environment) -> Vec<Finding> {
    let quota = |code: &str, names: &str| {
        format!(
            "`aws service-quotas list-service-quotas --service-code {code} --region {} --query \
             \"Quotas[?contains(QuotaName, '{names}')].[QuotaName,Value]\"`",
            environment.region
        )
    };
    let why = |what: &str| format!("{what}; only Service Quotas tells");
    let mut found = vec![
        Finding::not_checked(
            "builds",
            why(
                "new accounts may have 0 or 1 concurrent builds: at 0 no build starts (ask for more), at 1 a second one fails and is to be tried again",
            ),
            Some(quota("codebuild", "Concurrently running builds")),
        ),
        Finding::not_checked("tasks", why(&tasks(environment)), Some(quota("fargate", "On-Demand vCPU"))),
    ];
    if environment.network_mode == NetworkMode::Nat {
        let what = "the NAT gateway needs one Elastic IP more, of 5 in a new account";
        found.push(Finding::not_checked("addresses", why(what), Some(quota("ec2", "EC2-VPC Elastic IPs"))));
    }
    // RDS refuses seven days of backups with "exceeds the maximum available to free tier customers".
    found.push(match environment.parameters.get("DatabaseBackupDays").map(String::as_str) {
        Some("1") => Finding::ok("free plan", "one day of backups is taken on the free plan, too"),
        _ => Finding::not_checked(
            "free plan",
            "accounts on the free plan are refused more than one day of database backups",
            Some("`aws freetier get-account-plan-state`; if it says FREE, set `parameters: {DatabaseBackupDays: 1}`".to_owned()),
        ),
    });
    found
}

/// Both task sets live side by side while a deployment runs.
fn tasks(environment: &Environment) -> String {
    let units = u64::from(environment.app.cpu) * u64::from(environment.tasks.max) * 2;
    let vcpus = units.div_ceil(1024);
    format!("a deployment at the height of load takes {vcpus} vCPUs of Fargate")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::finding::Verdict;

    fn environment(text: &str) -> Environment {
        let head = "project: web\ndefault_environment: p\nsource: {repository: o/n}";
        let project = format!("{head}\nenvironments:\n  p: {text}\n");
        let project = seatrial_project::Project::parse(project.as_bytes());
        project.unwrap().environment(Some("p")).unwrap().clone()
    }

    #[test]
    fn a_region_without_the_source_action_is_refused() {
        assert_eq!(region("eu-central-1").result, Verdict::Ok);
        for name in WITHOUT_CONNECTIONS {
            assert_eq!(region(name).result, Verdict::Failed, "{name}");
        }
    }

    #[test]
    fn what_nobody_can_be_asked_is_never_called_fine_and_says_where_to_look() {
        let account = "account: '123456789012', region: eu-central-1";
        let plain = unasked(&environment(&format!("{{{account}}}")));
        let names: Vec<&str> = plain.iter().map(|finding| finding.check).collect();
        assert_eq!(names, ["builds", "tasks", "free plan"]);
        for finding in &plain {
            assert_eq!(finding.result, Verdict::NotChecked, "{finding}");
            assert!(finding.remedy.as_ref().is_some_and(|look| look.contains("`aws ")), "{finding}");
        }
        // 6 tasks of a quarter of a processor, twice.
        assert!(plain[1].found.contains("takes 3 vCPUs"), "{}", plain[1]);
        let other = format!("{{{account}, network_mode: nat, parameters: {{DatabaseBackupDays: 1}}}}");
        let other = unasked(&environment(&other));
        assert_eq!((other[2].check, other[3].result), ("addresses", Verdict::Ok));
    }
}
