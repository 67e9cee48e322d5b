//! `errors.ts` and `sentences.ts`: the catalogue of errors, the strategies of its categories, and English sentences.

use std::fmt::Write;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use stream_core::error::Category;

use super::header::header;

/// States that the product raises itself; an error with one of them carries its code.
const RAISED_BY_US: &str = "PT";

pub fn write(errors: &Value) -> Result<String> {
    let mut text =
        header("Codes of errors, their categories, and how each category is recovered from.");
    text.push_str(IMPORT);
    text.push_str(CATEGORY);
    for category in Category::ALL {
        writeln!(text, "    | '{}'", category.as_str())?;
    }
    text.push_str(STRATEGY);
    for category in Category::ALL {
        let recovery = category.recovery();
        ensure!(
            recovery.auto_retry == (recovery.max_retry_attempts > 0) && recovery.user_notification,
            "{} has a strategy that the client cannot write",
            category.as_str()
        );
        writeln!(
            text,
            "    {}: /* @__PURE__ */ strategy({}, {}, '{}'),",
            category.as_str(),
            recovery.max_retry_attempts,
            recovery.retry_delay_ms,
            recovery.fallback_action,
        )?;
    }
    text.push_str("}\n\n");
    text.push_str(CATEGORIES);
    text.push_str("/** A code of the server's catalogue. */\nexport type ErrorCode =\n");
    for error in entries(errors)? {
        writeln!(text, "    | '{}'", code(error)?)?;
    }
    text.push_str(CODES);
    for category in Category::ALL {
        writeln!(text, "    {}:", category.as_str())?;
        let codes = codes_of(entries(errors)?, *category)?;
        writeln!(text, "        '{}',", codes.join(" "))?;
    }
    text.push_str("}\n");
    Ok(text)
}

pub fn sentences(errors: &Value) -> Result<String> {
    let mut text = header("An English sentence for each code of the server's catalogue.");
    text.push_str("import type { ErrorCode } from './errors.ts'\n\n");
    text.push_str("export const SENTENCES: Readonly<Record<ErrorCode, string>> = {\n");
    for error in entries(errors)? {
        let message = error["message"].as_str().context("has no message")?;
        let mut letters = message.chars();
        let first = letters.next().context("has an empty message")?;
        let sentence = format!("{}{}.", first.to_ascii_uppercase(), letters.as_str());
        let quoted = serde_json::to_string(&sentence)?;
        writeln!(text, "    {}: {quoted},", code(error)?)?;
    }
    text.push_str("}\n");
    Ok(text)
}

const IMPORT: &str = "import { type Constants, constants } from '../constants/constants.ts'\n\n";

const CATEGORY: &str = "\
/** The part of the product that an error belongs to. */
export type ErrorCategory =
";

const CATEGORIES: &str = "\
export const ErrorCategory: Constants<ErrorCategory> = /* @__PURE__ */ constants(
    ...(Object.keys(ERROR_RECOVERY_STRATEGIES) as ErrorCategory[])
)

";

const STRATEGY: &str = "
/** What an app does about an error. Delays are in milliseconds. */
export interface RecoveryStrategy {
    autoRetry: boolean
    maxRetryAttempts: number
    retryDelay: number
    fallbackAction: string
    userNotification: boolean
}

/** In every category those errors that are tried again are tried by themselves, and users are told of all. */
function strategy(maxRetryAttempts: number, retryDelay: number, fallbackAction: string): RecoveryStrategy {
    return { autoRetry: maxRetryAttempts > 0, maxRetryAttempts, retryDelay, fallbackAction, userNotification: true }
}

export const ERROR_RECOVERY_STRATEGIES: Readonly<Record<ErrorCategory, Readonly<RecoveryStrategy>>> = {
";

const CODES: &str = "
/**
 * Codes by category. A `+` stands behind those that pass by themselves, a `!` behind those that only an operator mends;
 * the SQLSTATE behind those that Postgres raises itself.
 */
export const CODES: Readonly<Record<ErrorCategory, string>> = {
";

const OPERATOR: &str = "contact_operator";

fn codes_of(errors: &[Value], category: Category) -> Result<Vec<String>> {
    let mut codes = Vec::new();
    for error in errors
        .iter()
        .filter(|error| error["category"] == category.as_str())
    {
        let fallback = error["recovery"]["fallback_action"].as_str();
        let is_usual = fallback == Some(category.recovery().fallback_action);
        let mark = match error["recoverable"] == true {
            true if is_usual => "+",
            false if is_usual => "",
            false if fallback == Some(OPERATOR) => "!",
            _ => bail!(
                "{} has a fallback that the client cannot write",
                code(error)?
            ),
        };
        let state = error["sqlstate"].as_str().unwrap_or(RAISED_BY_US);
        let state = match state.starts_with(RAISED_BY_US) {
            true => String::new(),
            false => format!(":{state}"),
        };
        codes.push(format!("{}{mark}{state}", code(error)?));
    }
    Ok(codes)
}

fn entries(errors: &Value) -> Result<&Vec<Value>> {
    errors.as_array().context("contract/errors.json is no list")
}

fn code(error: &Value) -> Result<&str> {
    error["code"].as_str().context("has no code")
}
