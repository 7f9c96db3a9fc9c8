//! Statements of new migrations that break the version which serves meanwhile: blue and green run on one schema, and a
//! migration runs before any traffic moves. Pure.
//!
//! | statement | why |
//! |---|---|
//! | DROP of a table, view, column, type, function, … | the version that serves may use it |
//! | RENAME of a table, column, type, value, schema | it knows the old name only |
//! | NOT NULL on a new column without a default, or on an old one | it writes rows without a value |
//! | another type of a column | it reads and writes the old one |
//! | TRUNCATE | it loses its rows |
//!
//! What the same migrations have created may be changed at will: nobody uses it yet. Nothing else is judged: a constraint
//! or a trigger may refuse what the old version writes, too.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use sqlparser::ast::{
    AlterColumnOperation, AlterSchemaOperation, AlterTable, AlterTableOperation, AlterTypeOperation,
    ColumnDef, ColumnOption, ObjectName, ObjectType, Statement,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

/// Of a statement so much is told.
const TOLD: usize = 120;

/// A statement that breaks what serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Breach {
    pub file: String,
    /// Where the statement begins, from 1.
    pub line: u64,
    pub statement: String,
    pub rule: &'static str,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: `{}`: {}", self.file, self.line, self.statement, self.rule)
    }
}

/// A statement that the parser does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread {
    pub file: String,
    pub line: u64,
    pub why: String,
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    pub breaches: Vec<Breach>,
    pub unread: Vec<Unread>,
}

/// Judges files, each with its text, in the order in which they are run.
pub(crate) fn judge<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Judged {
    let mut judged = Judged::default();
    let mut created = BTreeSet::new();
    for (file, text) in files {
        let unread = |line, why: String| Unread { file: file.to_owned(), line, why };
        let tokens = match Tokenizer::new(&PostgreSqlDialect {}, text).tokenize_with_location() {
            Ok(tokens) => tokens,
            Err(error) => {
                judged.unread.push(unread(error.location.line, error.message));
                continue;
            }
        };
        for statement in tokens.split(|token| token.token == Token::SemiColon) {
            // Comments count as white space.
            let Some(first) = statement.iter().find(|token| !matches!(token.token, Token::Whitespace(_)))
            else {
                continue;
            };
            let line = first.span.start.line;
            match parse(statement.to_vec()) {
                Ok(parsed) => {
                    let breach =
                        |rule| Breach { file: file.to_owned(), line, statement: told(&parsed), rule };
                    judged.breaches.extend(rule(&parsed, &created).map(breach));
                    created.extend(creates(&parsed));
                }
                Err(why) => judged.unread.push(unread(line, why)),
            }
        }
    }
    judged
}

fn parse(tokens: Vec<TokenWithSpan>) -> Result<Statement, String> {
    let dialect = PostgreSqlDialect {};
    let mut parser = Parser::new(&dialect).with_tokens_with_locations(tokens);
    let statement = parser.parse_statement().map_err(|error| error.to_string())?;
    match parser.peek_token().token {
        Token::EOF => Ok(statement),
        rest => Err(format!("`{rest}` is not understood")),
    }
}

fn told(statement: &Statement) -> String {
    let text = statement.to_string();
    match text.char_indices().nth(TOLD) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// By its last part: a schema may be named or not.
fn name(name: &ObjectName) -> String {
    let text = name.to_string().to_lowercase();
    text.rsplit('.').next().unwrap_or(&text).trim_matches('"').to_owned()
}

fn creates(statement: &Statement) -> Option<String> {
    match statement {
        Statement::CreateTable(create) => Some(name(&create.name)),
        Statement::CreateView(create) => Some(name(&create.name)),
        Statement::CreateType { name: created, .. } => Some(name(created)),
        _ => None,
    }
}

const DROPS: &str = "the version that serves may still use what it drops";
const RENAMES: &str = "the version that serves knows the old name only";
const NOT_NULL: &str = "the version that serves writes rows without a value";
const RETYPES: &str = "the version that serves reads and writes the old type";
const EMPTIES: &str = "the version that serves loses its rows";

/// The rule that a statement breaks; `created` is nobody's yet.
fn rule(statement: &Statement, created: &BTreeSet<String>) -> Option<&'static str> {
    let all_new = |names: &[ObjectName]| names.iter().all(|found| created.contains(&name(found)));
    match statement {
        Statement::Drop { object_type, names, .. } => {
            (is_used(object_type) && !all_new(names)).then_some(DROPS)
        }
        Statement::DropFunction(_)
        | Statement::DropProcedure { .. }
        | Statement::DropDomain(_)
        | Statement::DropExtension(_) => Some(DROPS),
        Statement::Truncate(truncate) => {
            let names: Vec<ObjectName> =
                truncate.table_names.iter().map(|table| table.name.clone()).collect();
            (!all_new(&names)).then_some(EMPTIES)
        }
        Statement::AlterTable(AlterTable { name: table, operations, .. })
            if !created.contains(&name(table)) =>
        {
            operations.iter().find_map(of_operation)
        }
        Statement::AlterType(alter) if !created.contains(&name(&alter.name)) => match alter.operation {
            AlterTypeOperation::Rename(_) | AlterTypeOperation::RenameValue(_) => Some(RENAMES),
            AlterTypeOperation::AddValue(_) => None,
        },
        Statement::AlterSchema(alter) => {
            let renames =
                |operation: &AlterSchemaOperation| matches!(operation, AlterSchemaOperation::Rename { .. });
            alter.operations.iter().any(renames).then_some(RENAMES)
        }
        Statement::RenameTable(_) => Some(RENAMES),
        _ => None,
    }
}

/// Whether a program may use things of this type by name.
fn is_used(kind: &ObjectType) -> bool {
    use ObjectType as Kind;
    matches!(
        kind,
        Kind::Table
            | Kind::ForeignTable
            | Kind::View
            | Kind::MaterializedView
            | Kind::Schema
            | Kind::Database
            | Kind::Sequence
            | Kind::Type
    )
}

fn of_operation(operation: &AlterTableOperation) -> Option<&'static str> {
    use AlterTableOperation as Alter;
    match operation {
        Alter::DropColumn { .. } => Some(DROPS),
        Alter::RenameColumn { .. } | Alter::RenameTable { .. } => Some(RENAMES),
        Alter::ChangeColumn { .. } | Alter::ModifyColumn { .. } => Some(RETYPES),
        Alter::AddColumn { column_def, .. } => must_be_given(column_def).then_some(NOT_NULL),
        Alter::AlterColumn { op, .. } => match op {
            AlterColumnOperation::SetNotNull | AlterColumnOperation::DropDefault => Some(NOT_NULL),
            AlterColumnOperation::SetDataType { .. } => Some(RETYPES),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a row cannot be written without a value for this column.
fn must_be_given(column: &ColumnDef) -> bool {
    let has = |is: fn(&ColumnOption) -> bool| column.options.iter().any(|option| is(&option.option));
    let is_required = has(|option| matches!(option, ColumnOption::NotNull | ColumnOption::PrimaryKey(_)));
    let is_made = has(|option| matches!(option, ColumnOption::Default(_) | ColumnOption::Generated { .. }));
    is_required && !is_made && !column.data_type.to_string().to_lowercase().contains("serial")
}

#[cfg(test)]
mod tests;
