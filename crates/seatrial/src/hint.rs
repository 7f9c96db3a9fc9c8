//! Hints: what to type next, carried by errors as data, or known from AWS's own words.

/// An error that knows what the reader can do about it.
pub(crate) trait Hint {
    fn hints(&self) -> Vec<String>;
}

/// What AWS says, most of it to a new account, and what to do about it.
const KNOWN: [(&str, &str); 8] = [
    // RDS; yc-software/qm#352 quotes both.
    (
        "backup retention period exceeds the maximum available to free tier customers",
        "accounts on the free plan get one day of backups: `parameters: {DatabaseBackupDays: 1}` in infra/project.yml, \
         or upgrade the plan",
    ),
    (
        "instance size isn't available with free plan accounts",
        "`database: {instance_class: db.t4g.micro}` in infra/project.yml is available, or upgrade the plan",
    ),
    // CodeBuild; landing-zone-accelerator-on-aws#1013.
    (
        "Cannot have more than 0 builds in queue",
        "the account may not build yet: ask Service Quotas for `Concurrently running builds` of CodeBuild, then run this again",
    ),
    (
        "Cannot have more than 1 builds in queue",
        "another build of the account runs, and it may have one at a time: run this again when it has ended, or ask \
         Service Quotas for more",
    ),
    (
        "perform: cloudformation:SetStackPolicy",
        "whoever provisions needs cloudformation:GetStackPolicy, SetStackPolicy and UpdateTerminationProtection; \
         `protected: false` in infra/project.yml does without",
    ),
    // CloudFormation: early validation, and what resource handlers answer.
    (
        "' already exists.",
        "to take what exists into its stack: `provision --import STACK.LOGICAL_ID=NAME`; else rename or delete it",
    ),
    (
        "HandlerErrorCode: AlreadyExists",
        "something of that name is there outside of the stack: `provision --import STACK.LOGICAL_ID=NAME` takes it in",
    ),
    // ECS; cloudformation-coverage-roadmap#818.
    (
        "Unable to assume the service linked role",
        "the service has made its role by now: run this again in a minute",
    ),
];

/// The hints for what AWS says in a text, each once.
pub(crate) fn known(text: &str) -> Vec<String> {
    KNOWN.iter().filter(|(words, _)| text.contains(words)).map(|(_, hint)| (*hint).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_known_refusal_has_one_hint_and_other_words_have_none() {
        let said = [
            "FreeTierRestrictionError: The specified backup retention period exceeds the maximum available to free tier \
             customers. To remove all limitations, upgrade your account plan.",
            "FreeTierRestrictionError: This instance size isn't available with free plan accounts.",
            "User: arn:u is not authorized to perform: cloudformation:SetStackPolicy on resource: arn:s",
            "Resource of type 'AWS::Logs::LogGroup' with identifier 'kept' already exists.",
            "Resource handler returned message: \"x already exists\" (RequestToken: t, HandlerErrorCode: AlreadyExists)",
            "AccountLimitExceededException: Cannot have more than 0 builds in queue for the account",
            "AccountLimitExceededException: Cannot have more than 1 builds in queue for the account",
            "Invalid request provided: CreateCluster Invalid Request: Unable to assume the service linked role. Please \
             verify that the ECS service linked role exists.",
        ];
        let hints: std::collections::BTreeSet<String> = said
            .iter()
            .map(|text| match &known(text)[..] {
                [one] => one.clone(),
                other => panic!("{text}: {other:?}"),
            })
            .collect();
        assert_eq!(hints.len(), KNOWN.len());
        assert!(known("Cannot have more than 60 builds in queue for the account").is_empty());
    }
}
