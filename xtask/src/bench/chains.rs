//! Stacks to be made: chains of five, each stack with twenty resources, one project of them for every tool. The same
//! templates serve all.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::place::Place;

/// Each stack takes an output of the one before.
pub(super) const LENGTH: usize = 5;
/// Three topics, four queues, five log groups, seven parameters and a role.
pub(super) const RESOURCES: usize = 20;

/// One stack.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub chain: usize,
    pub step: usize,
}

impl Link {
    /// `chain-01-1`.
    pub(super) fn name(&self) -> String {
        format!("chain-{:02}-{}", self.chain, self.step)
    }

    /// The output that the next one takes, by a parameter of the same name.
    pub(super) fn output(&self) -> String {
        format!("Chain{:02}Step{}", self.chain, self.step)
    }

    /// What it takes from.
    pub(super) fn before(&self) -> Option<Self> {
        (self.step > 1).then(|| Self { chain: self.chain, step: self.step - 1 })
    }

    pub(super) fn template(&self, retention: u32) -> String {
        let mut text = String::new();
        if let Some(before) = self.before() {
            let _ = writeln!(text, "Parameters:\n  {}: {{Type: String}}", before.output());
        }
        text.push_str("Resources:\n");
        let _ = writeln!(
            text,
            "  Role:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument:\n        \
             Statement: [{{Effect: Allow, Action: 'sts:AssumeRole', Principal: {{Service: ecs-tasks.amazonaws.com}}}}]"
        );
        for number in 1..=3 {
            let _ = writeln!(text, "  Topic{number}: {{Type: AWS::SNS::Topic}}");
        }
        for number in 1..=4 {
            let _ = writeln!(
                text,
                "  Queue{number}: {{Type: AWS::SQS::Queue, Properties: {{VisibilityTimeout: {}}}}}",
                30 + number
            );
        }
        for number in 1..=5 {
            let days = if number == 1 { retention } else { 30 };
            let _ = writeln!(
                text,
                "  Group{number}: {{Type: AWS::Logs::LogGroup, Properties: {{RetentionInDays: {days}}}}}"
            );
        }
        for number in 1..=7 {
            let value = match (number, self.before()) {
                (1..=4, _) => format!("!GetAtt Queue{number}.Arn"),
                (5, Some(before)) => format!("!Ref {}", before.output()),
                _ => "!Ref Topic1".to_owned(),
            };
            let _ = writeln!(
                text,
                "  Parameter{number}:\n    Type: AWS::SSM::Parameter\n    Properties: {{Type: String, Value: {value}}}"
            );
        }
        let _ = writeln!(text, "Outputs:\n  {}: {{Value: !Ref Parameter1}}", self.output());
        text
    }
}

/// A project of so many stacks.
pub(super) struct Chains {
    pub links: Vec<Link>,
    pub folder: PathBuf,
}

impl Chains {
    /// Writes the project of ours, of Sceptre and of CDK; `count` is a multiple of [`LENGTH`].
    pub(super) fn write(place: &Place<'_>, count: usize) -> Result<Self, String> {
        let links = (1..=count / LENGTH).flat_map(|chain| (1..=LENGTH).map(move |step| Link { chain, step }));
        let links: Vec<Link> = links.collect();
        let at = format!("chains/{count}");
        let _ = fs::remove_dir_all(place.folder.join(&at));
        place.write(
            &format!("{at}/infra/project.yml"),
            &format!("project: bench{count}\nsource: {{repository: o/n}}\nenvironments: {{local: {{}}}}\n"),
        )?;
        for link in &links {
            place.write(&format!("{at}/infra/stacks/{}.yml", link.name()), &link.template(30))?;
        }
        let chains = Self { links, folder: place.folder.join(&at) };
        chains.write_sceptre(place, &at)?;
        chains.write_cdk(place, &at)?;
        Ok(chains)
    }

    /// The name of a stack as `tool` makes it.
    pub(super) fn stack(&self, tool: &str, link: &Link) -> String {
        format!("bench{}-{tool}-{}", self.links.len(), link.name())
    }

    pub(super) fn template_of(&self, link: &Link) -> PathBuf {
        self.folder.join(format!("infra/stacks/{}.yml", link.name()))
    }

    /// Changes one line of one template: how long the third stack of the last chain but one keeps its log.
    pub(super) fn change(&self, retention: u32) -> Result<Link, String> {
        let chain = (self.links.len() / LENGTH).saturating_sub(1).max(1);
        let link = Link { chain, step: 3 };
        fs::write(self.template_of(&link), link.template(retention)).map_err(|error| error.to_string())?;
        Ok(link)
    }

    fn write_sceptre(&self, place: &Place<'_>, at: &str) -> Result<(), String> {
        place.write(
            &format!("{at}/sceptre/config/config.yaml"),
            &format!("project_code: bench{}-sceptre\nregion: eu-central-1\n", self.links.len()),
        )?;
        let templates = self.folder.join("sceptre/templates");
        fs::create_dir(&templates).map_err(|error| error.to_string())?;
        for link in &self.links {
            // Sceptre knows a template by its ending, which is not ours.
            symlink(self.template_of(link), templates.join(format!("{}.yaml", link.name())))
                .map_err(|error| error.to_string())?;
            let mut text = format!("template: {{path: {}.yaml, type: file}}\n", link.name());
            if let Some(before) = link.before() {
                let _ = writeln!(
                    text,
                    "parameters:\n  {0}: !stack_output bench/{1}.yaml::{0}",
                    before.output(),
                    before.name()
                );
            }
            place.write(&format!("{at}/sceptre/config/bench/{}.yaml", link.name()), &text)?;
        }
        Ok(())
    }

    fn write_cdk(&self, place: &Place<'_>, at: &str) -> Result<(), String> {
        let app = format!(
            "const cdk = require('aws-cdk-lib');
const {{ CfnInclude }} = require('aws-cdk-lib/cloudformation-include');
const app = new cdk.App({{ analyticsReporting: false }});
for (let chain = 1; chain <= {}; chain++) {{
  let before;
  for (let step = 1; step <= {LENGTH}; step++) {{
    const number = String(chain).padStart(2, '0');
    const name = `chain-${{number}}-${{step}}`;
    const stack = new cdk.Stack(app, name, {{
      stackName: `bench{}-cdk-${{name}}`,
      synthesizer: new cdk.LegacyStackSynthesizer(),
    }});
    const parameters = before && {{ [before.output]: before.value }};
    const included = new CfnInclude(stack, 'Template', {{ templateFile: `../infra/stacks/${{name}}.yml`, parameters }});
    const output = `Chain${{number}}Step${{step}}`;
    before = {{ output, value: included.getOutput(output).value }};
  }}
}}
",
            self.links.len() / LENGTH,
            self.links.len()
        );
        place.write(&format!("{at}/cdk/app.js"), &app)?;
        let modules = self.folder.join("cdk/node_modules");
        let installed = place.peers().join("cdk/node_modules");
        symlink(installed, modules).map_err(|error| error.to_string())
    }
}
