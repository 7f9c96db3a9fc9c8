//! `#{Namespace.Key}`: what actions before, the execution and the pipeline know.

use std::collections::BTreeMap;

use super::super::store::ExecutionRow;

/// The configuration with all references filled in; the error names the first that refers to nothing.
pub(super) fn resolve(
    row: &ExecutionRow,
    configuration: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, String> {
    let value = |(key, text): (&String, &String)| Ok((key.clone(), fill(row, text)?));
    configuration.iter().map(value).collect()
}

fn fill(row: &ExecutionRow, text: &str) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("#{") {
        let Some((reference, after)) = after.split_once('}') else { break };
        filled.push_str(before);
        let value = lookup(row, reference);
        filled.push_str(
            &value.ok_or_else(|| format!("the variable reference #{{{reference}}} refers to nothing"))?,
        );
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn lookup(row: &ExecutionRow, reference: &str) -> Option<String> {
    let (namespace, key) = reference.split_once('.')?;
    match (namespace, key) {
        ("codepipeline", "PipelineExecutionId") => Some(row.id.clone()),
        ("variables", _) => {
            let found = row.variables.iter().find(|variable| variable.name == key);
            found.map(|variable| variable.resolved_value.clone())
        }
        _ => {
            let done = row.done().filter(|run| run.namespace.as_deref() == Some(namespace));
            done.filter_map(|run| run.variables.get(key)).next().cloned()
        }
    }
}
