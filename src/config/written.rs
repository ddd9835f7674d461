//! From the text of one file to a tree of values with places; and what is wrong with the text itself. TOML keeps the
//! span of every value; YAML and JSON are read by the crate `config` and keep the path of every key.

use std::sync::Arc;

use config::{FileFormat, Value, ValueKind};
use toml::de::{DeTable, DeValue};

use super::node::{DEEPEST, Entry, Node, Table, What};
use super::place::{At, File, Files, Format};
use super::problem::{Code, Problem, Problems};

/// Parses a file that is already the `number`-th of `files`.
pub(crate) fn parse(files: &mut Files, number: u16, problems: &Problems) -> Option<Node> {
    let file = files.0.get_mut(usize::from(number))?;
    let whole = At { file: number, start: 0, end: 0 };
    let node = match file.format {
        Format::Toml | Format::BuiltIn => toml(&file.text, number, problems),
        Format::Yaml | Format::Json | Format::Environment => match foreign(file, number) {
            Ok(node) => Some(node),
            Err((message, help)) => {
                problems.add(Problem::error(Code::Syntax, whole, message).help(help));
                None
            }
        },
    }?;
    if node.depth() > DEEPEST {
        let problem = Problem::error(Code::Syntax, whole, "tables are nested too deep");
        problems.add(problem.help(format!("at most {DEEPEST} levels: flatten them")));
        return None;
    }
    Some(node)
}

fn toml(text: &str, number: u16, problems: &Problems) -> Option<Node> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let message = error.message();
        let (code, message, help) = if message.starts_with("duplicate key") {
            (Code::Twice, "this is written twice".to_owned(), "keep one of them")
        } else {
            (Code::Syntax, format!("this is no TOML: {message}"), "see https://toml.io for how it is written")
        };
        problems.add(Problem::error(code, At::new(number, span), message).help(help));
    }
    errors.is_empty().then(|| of_table(table.get_ref(), At::new(number, table.span()), number))
}

fn of_table(table: &DeTable<'_>, at: At, number: u16) -> Node {
    let entries = table.iter().map(|(key, value)| {
        let key_at = At::new(number, key.span());
        let node = of_value(value.get_ref(), At::new(number, value.span()), number);
        (Arc::from(&**key.get_ref()), Entry { key: key_at, node })
    });
    Node { at, what: What::Table(Table(entries.collect())) }
}

fn of_value(value: &DeValue<'_>, at: At, number: u16) -> Node {
    let what = match value {
        DeValue::String(text) => What::Text(Arc::from(&**text)),
        DeValue::Integer(int) => match i64::from_str_radix(int.as_str(), int.radix()) {
            Ok(number) => What::Int(number),
            Err(_) => What::Number(Arc::from(int.as_str())),
        },
        DeValue::Float(float) => What::Number(Arc::from(float.as_str())),
        DeValue::Boolean(flag) => What::Flag(*flag),
        DeValue::Datetime(moment) => What::Text(Arc::from(moment.to_string())),
        DeValue::Array(list) => {
            let one = |one: &toml::Spanned<DeValue<'_>>| {
                of_value(one.get_ref(), At::new(number, one.span()), number)
            };
            What::List(list.iter().map(one).collect())
        }
        DeValue::Table(table) => return of_table(table, at, number),
    };
    Node { at, what }
}

/// YAML or JSON.
fn foreign(file: &mut File, number: u16) -> Result<Node, (String, String)> {
    let format = if file.format == Format::Json { FileFormat::Json } else { FileFormat::Yaml };
    if format == FileFormat::Yaml {
        tame(&file.text)?;
    }
    let parsed = config::Format::parse(&format, None, &file.text);
    let table = parsed.map_err(|why| {
        // The first line says what and where; the rest may quote the file.
        let why = why.to_string();
        let first = why.lines().next().unwrap_or("it cannot be read").to_owned();
        (format!("this file cannot be read: {first}"), "mend it, or write TOML, which says more".to_owned())
    })?;
    let root = Value::new(None, ValueKind::Table(table));
    file.paths.push("the whole file".to_owned());
    Ok(of_config(&root, "", &mut file.paths, number))
}

fn of_config(value: &Value, path: &str, paths: &mut Vec<String>, number: u16) -> Node {
    let place = |paths: &mut Vec<String>, path: &str| {
        paths.push(path.to_owned());
        At { file: number, start: u32::try_from(paths.len() - 1).unwrap_or(u32::MAX), end: u32::MAX }
    };
    let at = if path.is_empty() { At { file: number, start: 0, end: u32::MAX } } else { place(paths, path) };
    let what = match &value.kind {
        ValueKind::Nil => What::Null,
        ValueKind::Boolean(flag) => What::Flag(*flag),
        ValueKind::I64(number) => What::Int(*number),
        ValueKind::U64(number) => whole(*number),
        ValueKind::I128(number) => whole(*number),
        ValueKind::U128(number) => whole(*number),
        ValueKind::Float(number) => What::Number(Arc::from(number.to_string())),
        ValueKind::String(text) => What::Text(Arc::from(text.as_str())),
        ValueKind::Array(list) => {
            let each = list.iter().enumerate();
            What::List(each.map(|(i, one)| of_config(one, &format!("{path}[{i}]"), paths, number)).collect())
        }
        ValueKind::Table(table) => {
            let sorted: std::collections::BTreeMap<&String, &Value> = table.iter().collect();
            let entries = sorted.into_iter().map(|(key, value)| {
                let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let key_at = place(paths, &below);
                (
                    Arc::from(key.as_str()),
                    Entry { key: key_at, node: of_config(value, &below, paths, number) },
                )
            });
            What::Table(Table(entries.collect()))
        }
    };
    Node { at, what }
}

fn whole<T: Copy + ToString>(number: T) -> What
where
    i64: TryFrom<T>,
{
    i64::try_from(number).map_or_else(|_| What::Number(Arc::from(number.to_string())), What::Int)
}

/// YAML's parser follows every level and every alias; what would make it follow too many is refused before.
fn tame(text: &str) -> Result<(), (String, String)> {
    const MOST_ALIASES: usize = 16;
    let mut aliases = 0;
    for line in text.lines() {
        let spaces = line.len() - line.trim_start().len();
        let marks = line.split_whitespace().take_while(|word| matches!(*word, "-" | "?" | ":")).count();
        if spaces + marks > 4 * DEEPEST {
            return Err(("tables are nested too deep".to_owned(), "flatten them, or write TOML".to_owned()));
        }
        let alias = |at: usize| {
            let before = line[..at].chars().next_back();
            let after = line[at + 1..].chars().next();
            before.is_none_or(|c| matches!(c, ' ' | '[' | ',' | '{' | '\t'))
                && after.is_some_and(|c| !matches!(c, ' ' | '/'))
        };
        aliases += line.match_indices('*').filter(|(at, _)| alias(*at)).count();
    }
    if aliases > MOST_ALIASES {
        return Err((
            format!("this file has more than {MOST_ALIASES} aliases"),
            "write the values out, or use templates".to_owned(),
        ));
    }
    Ok(())
}
