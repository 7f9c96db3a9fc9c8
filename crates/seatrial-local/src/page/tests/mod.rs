//! Every list that AWS's models page is paged here.

use std::collections::BTreeSet;

use super::lists::LISTS;
use super::*;
use crate::operation::Operations;
use crate::tests;

/// Operations whose handlers cut their pages: by keys, by time, or before each item is looked up.
const OWN: [&str; 21] = [
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeEvents",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStackResourceDrifts",
    "cloudformation:DescribeStacks",
    "cloudformation:ListChangeSets",
    "cloudformation:ListStackResources",
    "cloudformation:ListStacks",
    "codepipeline:ListActionExecutions",
    "codepipeline:ListPipelineExecutions",
    "ecr:DescribeImages",
    "ecr:DescribeRepositories",
    "ecr:ListImages",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:FilterLogEvents",
    "s3:ListMultipartUploads",
    "s3:ListObjectVersions",
    "s3:ListObjects",
    "s3:ListObjectsV2",
    "s3:ListParts",
];

/// Operations whose answers are never longer than a page.
const SHORT: [&str; 1] = [
    // An account has one alias at most, and here none.
    "iam:ListAccountAliases",
];

fn served() -> Vec<(String, String)> {
    let mut operations = Operations::default();
    crate::services::register(&mut operations);
    let names = operations.names();
    names.iter().filter_map(|name| name.split_once(':')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

#[test]
fn every_list_that_awss_model_pages_is_paged() {
    let mut known: BTreeSet<String> = OWN.iter().chain(&SHORT).map(|name| (*name).to_owned()).collect();
    for list in LISTS {
        let name = format!("{}:{}", list.style.service, list.operation);
        assert!(known.insert(name.clone()), "{name} is there twice");
        let paged = crate::protocol::paged(list.style.service);
        let (_, output, input) = paged.iter().find(|(found, ..)| *found == list.operation).unwrap();
        let style = list.style;
        for member in [list.items, style.next].into_iter().chain(style.truncated) {
            assert!(output.contains(&member), "{name} answers no {member}");
        }
        assert!(input.contains(&style.token), "{name} takes no {}", style.token);
        let sizes = ["maxResults", "MaxResults", "MaxRecords", "PageSize", "MaxItems", "MaxBuckets"];
        let size = sizes.into_iter().find(|size| input.contains(size));
        assert!(size.is_none_or(|size| size == style.size), "{name} takes {size:?}");
    }
    let mut paged = BTreeSet::new();
    for (service, operation) in served() {
        let found = crate::protocol::paged(&service);
        if found.iter().any(|(name, ..)| *name == operation) {
            paged.insert(format!("{service}:{operation}"));
        }
    }
    assert_eq!(known, paged);
}

#[test]
fn pages_together_are_the_list_and_none_is_larger_than_asked() {
    for list in LISTS {
        let whole: Vec<_> = (0..2 * list.most + 1).map(|number| json!(number)).collect();
        let least = list.style.least;
        for size in [None, Some(list.most), Some(least + 1)] {
            let (mut found, mut token) = (Vec::new(), Value::Null);
            loop {
                let input = json!({ list.style.token: token, list.style.size: size });
                let output = json!({ list.items: whole, "other": 1 });
                let mut page = list.asked(&input).unwrap().cut(output).unwrap();
                let items = page[list.items].as_array().unwrap().clone();
                token = page[list.style.next].take();
                let is_last = token.is_null();
                let expected = size.unwrap_or(list.default);
                assert!(items.len() == expected || is_last && items.len() < expected, "{}", list.operation);
                if let Some(truncated) = list.style.truncated {
                    assert_eq!(page[truncated], !is_last);
                }
                found.extend(items);
                if is_last {
                    break;
                }
            }
            assert_eq!(found, whole, "{}", list.operation);
        }
    }
}

#[tokio::test]
async fn a_token_or_size_that_aws_refuses_is_refused_before_the_list_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = tests::cloud_in(dir.path());
    for list in LISTS {
        let name = format!("{}:{}", list.style.service, list.operation);
        let error = tests::call(&cloud, &name, json!({ list.style.token: "x" })).await.unwrap_err();
        assert_eq!(error.code, list.style.unknown_token.0, "{name}");
        for size in [json!(0), json!(-1), json!(list.most + 1)] {
            let error = tests::call(&cloud, &name, json!({ list.style.size: size })).await.unwrap_err();
            assert_eq!(error.code, list.style.wrong_size, "{name}");
        }
    }
}

#[tokio::test]
async fn a_list_longer_than_a_page_comes_in_several_over_the_door_of_http() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = tests::cloud_in(dir.path());
    tests::call(&cloud, "logs:CreateLogGroup", json!({ "logGroupName": "g" })).await.unwrap();
    let role = json!({ "AWSServiceName": "ecs.amazonaws.com" });
    tests::call(&cloud, "iam:CreateServiceLinkedRole", role).await.unwrap();
    for number in 0..121 {
        let input = json!({ "clusterName": format!("c{number}") });
        tests::call(&cloud, "ecs:CreateCluster", input).await.unwrap();
        let input = json!({ "logGroupName": "g", "logStreamName": format!("s{number}") });
        tests::call(&cloud, "logs:CreateLogStream", input).await.unwrap();
        let input = json!({ "logGroupName": format!("g{number}") });
        tests::call(&cloud, "logs:CreateLogGroup", input).await.unwrap();
    }
    for (operation, items, input, expected) in [
        ("ecs:ListClusters", "clusterArns", json!({}), vec![100, 21]),
        ("logs:DescribeLogStreams", "logStreams", json!({ "logGroupName": "g" }), vec![50, 50, 21]),
        ("logs:DescribeLogGroups", "logGroups", json!({}), vec![50, 50, 22]),
    ] {
        let (mut sizes, mut input) = (Vec::new(), input);
        loop {
            let page = tests::call(&cloud, operation, input.clone()).await.unwrap();
            sizes.push(page[items].as_array().unwrap().len());
            if page["nextToken"].is_null() {
                break;
            }
            input["nextToken"] = page["nextToken"].clone();
        }
        assert_eq!(sizes, expected, "{operation}");
        input["nextToken"] = json!("x");
        let error = tests::call(&cloud, operation, input).await.unwrap_err();
        assert_eq!(error.code, "InvalidParameterException");
    }
}
