//! The rules of project.yml, one wrong file each.

mod documented;
mod migrate;

use std::collections::BTreeMap;
use std::path::Path;

use super::*;

const GOOD: &str = r#"
project: store
source: {repository: ownerOfShop/aStore, branch: master}
app: {port: 8080, health_check_path: /healthz, cpu: 256, memory: 512, architecture: x86_64, environment: {LEVEL: info}, secrets: {}}
image: {builder: cargo}
default_environment: local
environments:
  local: {}
  production:
    account: "123456789012"
    region: eu-central-1
    tasks: {min: 2, max: 6, cpu_target: 60}
    database: {instance_class: db.t4g.micro, storage_gib: 30, multi_az: false}
    deployment: {traffic: AllAtOnce, terminate_blue_after: 5m}
    domain: null
    certificate_arn: null
    skip: []
    parameters: {}
"#;

fn refused(text: &str) -> String {
    Project::parse(text.as_bytes()).expect_err("must be refused").to_string()
}

/// The error after one replacement in the good file.
fn broken(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from} is not in the good file");
    refused(&GOOD.replacen(from, to, 1))
}

#[test]
fn the_facts_are_named_as_the_stacks_take_them() {
    let project = Project::parse(GOOD.as_bytes()).unwrap();
    let facts = project.environment(Some("production")).unwrap().facts();
    let names: Vec<&str> = facts.keys().map(String::as_str).collect();
    let expected = "AppPort Architecture BranchName Cpu CpuTarget DatabaseInstanceClass DatabaseMultiAz DatabaseStorageGib \
        EnvironmentName ExecuteCommand HealthCheckPath ImageBuilder MaximumTasks Memory MinimumTasks NetworkMode ProjectName ReadyWaitMinutes \
        RepositoryId TerminateBlueAfterMinutes TrafficConfiguration";
    assert_eq!(names.join(" "), expected);
    assert_eq!(facts["TrafficConfiguration"], "AllAtOnce");
    assert_eq!(facts["TerminateBlueAfterMinutes"], "5");
    assert_eq!(facts["ReadyWaitMinutes"], "0");

    for fact in facts.keys() {
        let by_default = ["NetworkMode", "ReadyWaitMinutes"].contains(&fact.as_str());
        assert!(project.says("production", fact) || by_default, "{fact}");
    }
    let common = "AppPort Architecture BranchName Cpu EnvironmentName ExecuteCommand HealthCheckPath ImageBuilder Memory ProjectName \
        RepositoryId";
    let said: Vec<&str> =
        facts.keys().filter(|fact| project.says("local", fact)).map(String::as_str).collect();
    assert_eq!(said.join(" "), common);

    let mut below = project.environment(None).unwrap().clone();
    below.directory = "services/web/".to_owned();
    assert_eq!(below.facts()["ProjectDirectory"], "services/web/");
}

#[test]
fn the_local_environment_needs_nothing() {
    let project =
        Project::parse(b"project: a\nsource: {repository: o/n}\nenvironments:\n  local:\n").unwrap();
    let local = project.environment(None).unwrap();
    assert!(local.is_local());
    assert_eq!(
        (local.app.port, local.tasks.min, local.stack_name("network").as_str()),
        (4000, 2, "a-local-network")
    );
}

#[test]
fn an_environment_overrides_single_keys() {
    let text = GOOD.replace(
        "  local: {}",
        "  local:\n    source: {branch: next}\n    image: {target: musl}\n    app: {cpu: 512, memory: 1024, environment: {MODE: dev}}\n    parameters: {SubnetIds: [a, b], Number: 7}",
    );
    let project = Project::parse(text.as_bytes()).unwrap();
    let local = project.environment(None).unwrap();
    assert_eq!(
        (local.source.branch.as_str(), local.source.repository.as_str()),
        ("next", "ownerOfShop/aStore")
    );
    assert_eq!((local.app.cpu, local.app.port), (512, 8080));
    assert_eq!((local.image.builder, local.image.target), (ImageBuilder::Cargo, ImageTarget::Musl));
    let production = project.environment(Some("production")).unwrap();
    assert_eq!((production.image.target, production.app.cpu), (ImageTarget::Gnu, 256));
    assert_eq!(local.app.environment.keys().collect::<Vec<_>>(), ["LEVEL", "MODE"]);
    assert_eq!((local.parameters["SubnetIds"].as_str(), local.parameters["Number"].as_str()), ("a,b", "7"));
}

#[test]
fn a_dockerfile_has_its_own_keys_and_neither_builder_takes_the_others() {
    let image = |text: &str| {
        let text = GOOD.replace("builder: cargo", text);
        Project::parse(text.as_bytes())
            .map(|project| project.environment(None).unwrap().image.clone())
            .map_err(|error| error.to_string())
    };
    let plain = image("builder: docker").unwrap();
    assert_eq!(
        (plain.dockerfile.as_str(), plain.context.as_str(), plain.target_stage),
        ("Dockerfile", ".", None)
    );
    let keys = "builder: docker, dockerfile: web/Dockerfile, context: web, build_args: {MIX_ENV: prod, V: 1.10}, \
                target_stage: run";
    let named = image(keys).unwrap();
    assert_eq!((named.dockerfile.as_str(), named.context.as_str()), ("web/Dockerfile", "web"));
    assert_eq!((named.build_args["V"].as_str(), named.target_stage.as_deref()), ("1.10", Some("run")));

    for (keys, told) in [
        (
            "builder: docker, package: web",
            "`image.package` is for `builder: cargo`, and `builder` is `docker`",
        ),
        ("builder: docker, binary: web", "`image.binary` is for `builder: cargo`, and `builder` is `docker`"),
        (
            "builder: docker, before: [make]",
            "`image.before` is for `builder: cargo`, and `builder` is `docker`",
        ),
        ("dockerfile: Dockerfile", "`image.dockerfile` is for `builder: docker`, and `builder` is `cargo`"),
        ("build_args: {A: b}", "`image.build_args` is for `builder: docker`, and `builder` is `cargo`"),
        ("builder: docker, context: /srv", "must be a path from the project's folder, found `/srv`"),
        ("builder: docker, target_stage: 'a b'", "must be the name of a stage"),
    ] {
        let refused = image(keys).unwrap_err();
        assert!(refused.starts_with("infra/project.yml:5:") && refused.contains(told), "{keys}: {refused}");
    }
}

#[test]
fn an_environment_without_a_database_leaves_its_stack_out_and_has_no_fact_of_it() {
    let text = GOOD.replace("local: {}", "local: {database: none}");
    let project = Project::parse(text.as_bytes()).unwrap();
    let (local, production) =
        (project.environment(None).unwrap(), project.environment(Some("production")).unwrap());
    assert!(local.database.is_none() && local.leaves_out("database") && !local.leaves_out("network"));
    assert!(!local.facts().keys().any(|fact| fact.starts_with("Database")));
    assert!(!production.leaves_out("database") && production.facts().contains_key("DatabaseStorageGib"));
}

#[test]
fn the_image_runs_the_package_app_unless_another_is_named() {
    let image =
        |text: &str| Project::parse(text.as_bytes()).unwrap().environment(None).unwrap().image.clone();
    assert_eq!((image(GOOD).package.as_str(), image(GOOD).binary), ("app", None));
    let named = image(&GOOD.replace("builder: cargo", "package: web_shop, binary: server"));
    assert_eq!((named.package.as_str(), named.binary.as_deref()), ("web_shop", Some("server")));
}

#[test]
fn an_environment_decides_whether_a_common_name_is_a_variable_or_a_secret_there() {
    let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-AbCdEf";
    let text = GOOD.replace("secrets: {}", &format!("secrets: {{TOKEN: '{arn}'}}"));
    let own = format!("  local: {{app: {{environment: {{TOKEN: plain}}, secrets: {{LEVEL: '{arn}'}}}}}}");
    let project = Project::parse(text.replace("  local: {}", &own).as_bytes()).unwrap();
    let (local, production) =
        (project.environment(None).unwrap(), project.environment(Some("production")).unwrap());
    assert_eq!(local.app.environment, BTreeMap::from([("TOKEN".to_owned(), "plain".to_owned())]));
    assert_eq!(local.app.secrets.keys().collect::<Vec<_>>(), ["LEVEL"]);
    assert_eq!(production.app.environment.keys().collect::<Vec<_>>(), ["LEVEL"]);
    assert_eq!(production.app.secrets.keys().collect::<Vec<_>>(), ["TOKEN"]);
    let both = format!("local: {{app: {{environment: {{A: b}}, secrets: {{A: '{arn}'}}}}}}");
    let message =
        "`environments.local.app.secrets` must not name a variable that `environment` has too, found `A`";
    assert!(broken("local: {}", &both).ends_with(message));
}

#[test]
fn parameters_of_stacks_are_passed_on_as_they_were_typed() {
    let values = ["1.10", "+49", "0x1F", "1e10", "-0.50", "True", "007", "1_000"];
    let list = values.join(", ");
    let typed: String =
        values.iter().enumerate().map(|(index, value)| format!("P{index}: {value}, ")).collect();
    let text = GOOD.replace("parameters: {}", &format!("parameters: {{{typed} List: [{list}]}}"));
    let project = Project::parse(text.as_bytes()).unwrap();
    let parameters = &project.environment(Some("production")).unwrap().parameters;
    for (index, value) in values.iter().enumerate() {
        assert_eq!(&parameters[&format!("P{index}")], value);
    }
    assert_eq!(parameters["List"], values.join(","));
    let nothing = broken("parameters: {}", "parameters: {P: ~}");
    assert!(nothing.ends_with(
        "`environments.production.parameters.P` must be a value or a list of values, found `null`"
    ));
}

#[test]
fn a_secret_may_be_a_parameter_of_ssm_and_each_kind_has_a_list_of_its_own() {
    let secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-AbCdEf";
    let parameter = "arn:aws:ssm:eu-central-1:123456789012:parameter/web/key";
    let typed = format!("secrets: {{A: '{secret}:user::', B: '{parameter}', C: '{parameter}'}}");
    let project = Project::parse(GOOD.replace("secrets: {}", &typed).as_bytes()).unwrap();
    let facts = project.environment(None).unwrap().facts();
    assert_eq!((facts["SecretArns"].as_str(), facts["SecretParameterArns"].as_str()), (secret, parameter));
    for wrong in [
        "arn:aws:ssm:eu-central-1:123456789012:document/x",
        "arn:aws:ssm:eu-central-1:123456789012:parameter/",
    ] {
        let message = broken("secrets: {}", &format!("secrets: {{A: '{wrong}'}}"));
        let rule = "must be the ARN of a Secrets Manager secret or of an SSM parameter";
        assert!(message.contains(rule), "{message}");
    }
}

#[test]
fn what_opens_private_sources_is_the_same_in_all_environments_and_read_in_the_account_of_each() {
    let with = |secrets: &str| {
        GOOD.replace("builder: cargo", &format!("builder: cargo, registry_secrets: {{{secrets}}}"))
    };
    let project = with("github.com: 'ci/git:token', git.example.com: /ci/git, registries.mine: /ci/git");
    let project = Project::parse(project.as_bytes()).unwrap();
    for (environment, account) in [("local", "000000000000"), ("production", "123456789012")] {
        let facts = project.environment(Some(environment)).unwrap().facts();
        let secret = format!("arn:aws:secretsmanager:eu-central-1:{account}:secret:ci/git-??????");
        assert_eq!(facts["RegistrySecretArns"], secret);
        assert_eq!(
            facts["RegistryParameterArns"],
            format!("arn:aws:ssm:eu-central-1:{account}:parameter/ci/git")
        );
    }
    let cases = [
        (
            refused(&with("https://github.com: git")),
            "infra/project.yml:5:44: `image.registry_secrets.https://github.com` must be for a host of git repositories such as \
             `github.com`, without `https://`, or for `registries.NAME` with a name of `.cargo/config.toml`, found \
             `https://github.com`",
        ),
        (
            refused(&with("github.com: 'arn:aws:ssm:eu-central-1:123456789012:parameter/git'")),
            "infra/project.yml:5:56: `image.registry_secrets.github.com` must be a Secrets Manager secret by name or ARN, with \
             `:KEY` behind it for one value of several, or an SSM parameter by a name such as `/git/token`, found \
             `\"arn:aws:ssm:eu-central-1:123456789012:parameter/git\"`",
        ),
        (
            // Without the value.
            refused(&with("github.com: ghp_0123456789")),
            "infra/project.yml:5:56: `image.registry_secrets.github.com` must name a secret, and looks like one itself",
        ),
        (
            refused(&with("registries.my-own: a, registries.my_own: b")),
            "infra/project.yml:5:85: `image.registry_secrets.registries.my_own` must not stand beside `registries.my-own`: a \
             build knows both by `CARGO_REGISTRIES_MY_OWN_TOKEN`",
        ),
        (
            broken("local: {}", "local: {image: {registry_secrets: {github.com: git}}}"),
            "infra/project.yml:8:37: `environments.local.image.registry_secrets` must stand in `image` at the top: one buildspec \
             serves all environments, and a secret's name is looked for in each one's own account",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

#[test]
fn secrets_become_the_arns_of_whole_secrets() {
    let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-AbCdEf";
    let text = GOOD.replace("secrets: {}", &format!("secrets: {{A: '{arn}:user::', B: '{arn}:password::'}}"));
    let project = Project::parse(text.as_bytes()).unwrap();
    assert_eq!(project.environment(None).unwrap().facts()["SecretArns"], arn);
}

#[test]
fn every_fault_names_place_key_value_and_rule() {
    let cases = [
        (
            broken("project: store", "project: My_App"),
            "infra/project.yml:2:10: `project` must be lower-case words of letters and digits joined by single hyphens, starting with a letter, found `My_App`",
        ),
        (
            broken("port: 8080", "prot: 8080"),
            "infra/project.yml:4:7: unknown key `prot` in `app`, expected one of `port`, `health_check_path`, `probe`, `cpu`, `memory`, `read_only`, `architecture`, `environment`, `secrets`",
        ),
        (
            broken("port: 8080", "port: \"8080\""),
            "infra/project.yml:4:13: `app.port` must be a whole number from 1 to 65535, found `\"8080\"`",
        ),
        (
            broken("port: 8080", "port: 0"),
            "infra/project.yml:4:13: `app.port` must be a whole number from 1 to 65535, found `0`",
        ),
        (
            broken("port: 8080", "port: 65536"),
            "infra/project.yml:4:13: `app.port` must be a whole number from 1 to 65535, found `65536`",
        ),
        (
            broken("cpu: 256", "cpu: 300"),
            "infra/project.yml:4:53: `app.cpu` must be one of Fargate's sizes 256, 512, 1024, 2048, 4096, 8192, 16384, found `300`",
        ),
        (
            broken("memory: 512", "memory: 1536"),
            "infra/project.yml:4:66: `app.memory` must, with cpu 256, be one of 512, 1024, 2048, found `1536`",
        ),
        (
            broken("local: {}", "local: {app: {memory: 4096}}"),
            "infra/project.yml:8:25: `environments.local.app.memory` must, with cpu 256, be one of 512, 1024, 2048, found `4096`",
        ),
        (
            broken("account: \"123456789012\"", "account: 12345"),
            "infra/project.yml:10:14: `environments.production.account` must be an account of 12 digits, in quotes, found `12345`",
        ),
        (
            broken("    region: eu-central-1\n", ""),
            "infra/project.yml:10:5: key `environments.production.region` is missing",
        ),
        (
            broken("region: eu-central-1", "region: Frankfurt"),
            "infra/project.yml:11:13: `environments.production.region` must be an AWS region such as `eu-central-1`, found `Frankfurt`",
        ),
        (
            broken("local: {}", "local: {account: \"123456789012\"}"),
            "infra/project.yml:8:20: `environments.local.account` must not be set: `local` is the local cloud, found `123456789012`",
        ),
        (
            broken("max: 6", "max: 1"),
            "infra/project.yml:12:26: `environments.production.tasks.max` must be at least `min`, 2, found `1`",
        ),
        (
            broken("after: 5m", "after: 90s"),
            "infra/project.yml:14:60: `environments.production.deployment.terminate_blue_after` must be a duration of whole minutes such as `5m` or `1h`, at most `2d`, found `90s`",
        ),
        (
            broken("terminate_blue_after: 5m", "ready_wait: 0m"),
            "infra/project.yml:14:50: `environments.production.deployment.ready_wait` must be at least `1m`; without the key nobody is waited for",
        ),
        (
            broken("domain: null", "domain: www.example.com"),
            "infra/project.yml:15:13: `environments.production.domain` must stand together with `certificate_arn`, which is missing",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

#[test]
fn a_variable_that_is_the_applications_port_is_refused_wherever_it_stands() {
    let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-AbCdEf";
    let cases = [
        (broken("LEVEL: info", "PORT: 42"), "4:113: `app.environment.PORT`"),
        (broken("secrets: {}", &format!("secrets: {{PORT: '{arn}'}}")), "4:137: `app.secrets.PORT`"),
        (
            broken("local: {}", "local: {app: {environment: {PORT: 42}}}"),
            "8:37: `environments.local.app.environment.PORT`",
        ),
        (
            broken("local: {}", &format!("local: {{app: {{secrets: {{PORT: '{arn}'}}}}}}")),
            "8:33: `environments.local.app.secrets.PORT`",
        ),
    ];
    for (found, place) in cases {
        assert_eq!(found, format!("infra/project.yml:{place} must not be set: set `app.port`"));
    }
}

#[test]
fn a_fault_of_the_file_as_a_whole_names_its_place_too() {
    let cases = [
        (
            broken("default_environment: local", "default_environment: staging"),
            "infra/project.yml:6:22: `default_environment` must be one of the `environments`, `local`, `production`, found `staging`",
        ),
        (
            broken("builder: cargo", "builder: kaniko"),
            "infra/project.yml:5:18: unknown value `kaniko` in `image.builder`, expected one of `cargo`, `docker`",
        ),
        (
            broken("  production:", "  an-environment-with-a-long-name:"),
            "infra/project.yml:9:3: `project` and the name of an environment must have at most 30 characters together, found `store` and `an-environment-with-a-long-name`, 36 characters",
        ),
        (
            broken("builder: cargo", "package: 1st"),
            "infra/project.yml:5:18: `image.package` must be a name of letters, digits, `-` and `_` that does not start with a digit, found `1st`",
        ),
        (
            broken("builder: cargo", "binary: ../app"),
            "infra/project.yml:5:17: `image.binary` must be a name of letters, digits, `-` and `_` that does not start with a digit, found `../app`",
        ),
        (
            broken("repository: ownerOfShop/aStore, ", ""),
            "infra/project.yml:3:9: key `source.repository` is missing",
        ),
        (
            refused("project: store\nsource: {repository: o/n}\nenvironments: {}\n"),
            "infra/project.yml:3:15: `environments` must name at least one",
        ),
        (
            refused("project: [\n"),
            "infra/project.yml:2:1: this is not valid YAML: while parsing a node, did not find expected node content",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

#[test]
fn what_is_not_there_yet_is_refused_in_its_own_words() {
    let whole = |line: &str| refused(&format!("{GOOD}{line}\n"));
    let cases = [
        (whole("notify: []"), "infra/project.yml:19:1: key `notify` is not there yet"),
        (
            broken("domain: null", "hosted_zone_id: Z1"),
            "infra/project.yml:15:5: key `environments.production.hosted_zone_id` is not there yet",
        ),
        (
            broken("multi_az: false", "snapshot: my_snapshot"),
            "infra/project.yml:13:73: `environments.production.database.snapshot` must be the name or the ARN of a DB \
             snapshot, found `my_snapshot`",
        ),
        (
            broken("local: {}", "local: {database: some}"),
            "infra/project.yml:8:21: `environments.local.database` must be `none`, or a mapping, found `some`",
        ),
        (
            broken("LEVEL: info", "QUEUE_URL: {output: Queue-Url}"),
            "infra/project.yml:4:127: `app.environment.QUEUE_URL.output` must be the name of an output, of letters and \
             digits, found `Queue-Url`",
        ),
        (
            whole("nofity: []"),
            "infra/project.yml:19:1: unknown key `nofity`, expected one of `project`, `source`, `app`, `image`, `tags`, `check`, `migrate`, `checks`, `default_environment`, `environments`",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

#[test]
fn the_projects_own_checks_are_commands_in_their_order() {
    assert!(Project::parse(GOOD.as_bytes()).unwrap().check.is_empty());
    let text = format!("{GOOD}check: [cargo test --locked, 'npm test']\n");
    let project = Project::parse(text.as_bytes()).unwrap();
    assert_eq!(project.check, ["cargo test --locked", "npm test"]);
    let blank = refused(&format!("{GOOD}check: ['cargo test', ' ']\n"));
    assert_eq!(blank, "infra/project.yml:19:23: `check[1]` must be a command, found `\" \"`");
}

#[test]
fn traffic_is_predefined_or_ones_own_percentages() {
    let names = [
        "AllAtOnce",
        "Canary10Percent5Minutes",
        "Linear25PercentEvery2Minutes",
        "CodeDeployDefault.ECSAllAtOnce",
    ];
    let facts = names.map(|name| {
        let text = GOOD.replace("traffic: AllAtOnce", &format!("traffic: {name}"));
        let project = Project::parse(text.as_bytes()).unwrap();
        project.environment(Some("production")).unwrap().facts()["TrafficConfiguration"].clone()
    });
    let full = "CodeDeployDefault.ECSCanary10Percent5Minutes";
    assert_eq!(facts, [names[0], full, names[2], names[3]]);
    for name in [
        "Blue",
        "Canary0Percent5Minutes",
        "Canary10Percent5Minute",
        "Linear100PercentEvery1Minutes",
        "Canary1Percent",
    ] {
        let found = broken("traffic: AllAtOnce", &format!("traffic: {name}"));
        assert!(
            found.contains("`environments.production.deployment.traffic` must be `AllAtOnce`, a canary"),
            "{found}"
        );
    }
}

#[test]
fn an_unknown_environment_and_a_missing_file_are_named() {
    let project = Project::parse(GOOD.as_bytes()).unwrap();
    let unknown = project.environment(Some("staging")).unwrap_err().to_string();
    assert_eq!(
        unknown,
        "environment `staging` is not in `infra/project.yml`, expected one of `local`, `production`"
    );
    let missing = Project::load(Path::new("/nonexistent")).unwrap_err().to_string();
    assert_eq!(missing, "failed to read `infra/project.yml`");
}

#[test]
fn traffic_may_be_a_mapping_and_is_the_same_as_in_one_word() {
    let read = |form: &str| {
        let text = GOOD.replace("traffic: AllAtOnce", &format!("traffic: {form}"));
        let project = Project::parse(text.as_bytes()).map_err(|error| error.to_string())?;
        Ok::<_, String>(
            project.environment(Some("production")).unwrap().deployment.traffic.as_str().to_owned(),
        )
    };
    assert_eq!(read("{canary: {percent: 20, after: 1h}}").unwrap(), "Canary20Percent60Minutes");
    assert_eq!(read("{linear: {percent: 10, every: 2m}}").unwrap(), "Linear10PercentEvery2Minutes");
    // Where CodeDeploy has the very same, it is that one.
    let predefined = "CodeDeployDefault.ECSCanary10Percent5Minutes";
    assert_eq!(read("{canary: {percent: 10, after: 5m}}").unwrap(), predefined);
    for (form, word) in [
        ("{canary: {percent: 0, after: 5m}}", "from 1 to 99 percent"),
        ("{canary: {percent: 100, after: 5m}}", "from 1 to 99 percent"),
        ("{linear: {percent: 10, every: 0m}}", "pauses from 1m"),
        ("{canary: {percent: 10}}", "after"),
        ("{canary: {percent: 10, every: 5m}}", "every"),
        ("{blue: 1}", "blue"),
        ("{}", "either `canary` or `linear`"),
        (
            "{canary: {percent: 10, after: 5m}, linear: {percent: 10, every: 5m}}",
            "either `canary` or `linear`",
        ),
        ("[1]", "traffic"),
    ] {
        let refused = read(form).unwrap_err();
        assert!(refused.starts_with("infra/project.yml:14:") && refused.contains(word), "{form}: {refused}");
    }
}

#[test]
fn traffic_takes_as_long_as_its_pauses() {
    let minutes = |name: &str| {
        let text = GOOD.replace("traffic: AllAtOnce", &format!("traffic: {name}"));
        let project = Project::parse(text.as_bytes()).unwrap();
        project.environment(Some("production")).unwrap().deployment.traffic.minutes()
    };
    assert_eq!(minutes("AllAtOnce"), 0);
    assert_eq!(minutes("Canary10Percent5Minutes"), 5);
    assert_eq!(minutes("CodeDeployDefault.ECSLinear10PercentEvery3Minutes"), 27);
    assert_eq!(minutes("Linear33PercentEvery2Minutes"), 6);
}

#[test]
fn a_key_is_named_by_its_own_arn_and_is_of_the_environments_region() {
    let key = "arn:aws:kms:eu-central-1:123456789012:key/134f2428-cec1-4b25-a1ae-9048164dba47";
    let with = |arn: &str| format!("kms_key: '{arn}'\n    domain: null");
    let text = GOOD.replacen("domain: null", &with(key), 1);
    let project = Project::parse(text.as_bytes()).unwrap();
    let facts = |name: &str| project.environment(Some(name)).unwrap().facts();
    assert_eq!(facts("production")["KmsKeyArn"], key);
    assert!(!facts("local").contains_key("KmsKeyArn"));

    let rule = "must be the ARN of a key of KMS, and not of an alias";
    for (arn, told) in [
        ("arn:aws:kms:eu-central-1:123456789012:alias/own", rule),
        ("134f2428-cec1-4b25-a1ae-9048164dba47", rule),
        ("arn:aws:s3:::bucket/key/1", rule),
        (
            "arn:aws:kms:us-east-1:123456789012:key/1",
            "must be a key of region `eu-central-1`, found `arn:aws:kms:us-east-1",
        ),
    ] {
        let refused = broken("domain: null", &with(arn));
        assert!(refused.starts_with("infra/project.yml:15:") && refused.contains(told), "{arn}: {refused}");
    }
}
