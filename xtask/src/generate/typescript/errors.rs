//! `errors.ts` and `sentences.ts`: the catalogue of errors, the strategies of its categories, and English sentences.

use std::fmt::Write;

use anyhow::{Context, Result};
use serde_json::Value;
use stream_core::error::Category;

use super::header::header;

/// States that the product raises itself; an error with one of them carries its code.
const RAISED_BY_US: &str = "PT";

pub fn write(errors: &Value) -> Result<String> {
    let mut text =
        header("Codes of errors, their categories, and how each category is recovered from.");
    text.push_str("/** The part of the product that an error belongs to. */\nexport const ErrorCategory = {\n");
    for category in Category::ALL {
        let name = category.as_str();
        writeln!(text, "    {}: '{name}',", name.to_ascii_uppercase())?;
    }
    text.push_str("} as const\nexport type ErrorCategory = (typeof ErrorCategory)[keyof typeof ErrorCategory]\n\n");
    text.push_str(STRATEGY);
    for category in Category::ALL {
        let recovery = category.recovery();
        writeln!(
            text,
            "    {}: {{\n        autoRetry: {},\n        maxRetryAttempts: {},\n        retryDelay: {},\n        fallbackAction: '{}',\n        userNotification: {},\n    }},",
            category.as_str(),
            recovery.auto_retry,
            recovery.max_retry_attempts,
            recovery.retry_delay_ms,
            recovery.fallback_action,
            recovery.user_notification
        )?;
    }
    text.push_str("}\n\n");
    text.push_str("/** A code of the server's catalogue. */\nexport type ErrorCode =\n");
    for error in entries(errors)? {
        writeln!(text, "    | '{}'", code(error)?)?;
    }
    text.push_str(ENTRY);
    for error in entries(errors)? {
        let category = error["category"].as_str().context("has no category")?;
        let fallback = &error["recovery"]["fallback_action"];
        let usual = Category::ALL
            .iter()
            .find(|known| known.as_str() == category)
            .map(|known| known.recovery().fallback_action);
        let other = match fallback.as_str() {
            Some(action) if usual != Some(action) => format!(", '{action}'"),
            _ => String::new(),
        };
        writeln!(
            text,
            "    {}: ['{category}', {}{other}],",
            code(error)?,
            error["recoverable"]
        )?;
    }
    text.push_str("}\n\n");
    text.push_str("/** Codes of the errors that Postgres raises itself, by SQLSTATE. */\n");
    text.push_str("export const SQLSTATES: Readonly<Record<string, ErrorCode>> = {\n");
    for error in entries(errors)? {
        let state = error["sqlstate"].as_str().unwrap_or(RAISED_BY_US);
        if !state.starts_with(RAISED_BY_US) {
            writeln!(text, "    '{state}': '{}',", code(error)?)?;
        }
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

const STRATEGY: &str = "\
/** What an app does about an error. Delays are in milliseconds. */
export interface RecoveryStrategy {
    autoRetry: boolean
    maxRetryAttempts: number
    retryDelay: number
    fallbackAction: string
    userNotification: boolean
}

export const ERROR_RECOVERY_STRATEGIES: Readonly<Record<ErrorCategory, Readonly<RecoveryStrategy>>> = {
";

const ENTRY: &str = "
/** Category, whether the call can succeed later, and the fallback action where it is not the category's. */
export type ErrorEntry = readonly [category: ErrorCategory, recoverable: boolean, fallbackAction?: string]

export const ERRORS: Readonly<Record<ErrorCode, ErrorEntry>> = {
";

fn entries(errors: &Value) -> Result<&Vec<Value>> {
    errors.as_array().context("contract/errors.json is no list")
}

fn code(error: &Value) -> Result<&str> {
    error["code"].as_str().context("has no code")
}
