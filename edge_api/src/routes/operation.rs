//! The handler of every route of the table: reads the arguments, calls the operation, passes its answer on.

use axum::RequestExt;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequest, RawPathParams, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use stream_core::error::ErrorCode;

use super::{Route, Verb};
use crate::answer::{DatabaseJson, Nothing, PolledJson};
use crate::arguments::Arguments;
use crate::body::RawBody;
use crate::caller::Caller;
use crate::contract::{Contract, Operation, Rows};
use crate::deadline::Deadline;
use crate::error::ApiError;
use crate::state::AppState;

/// The handler of a route, for its method. Panics when the contract lacks the operation; a test of
/// the table sees to it that none does.
pub fn method_router(route: &'static Route, contract: &'static Contract) -> MethodRouter<AppState> {
    let operation = contract
        .operation(route.operation)
        .unwrap_or_else(|| panic!("the contract has no operation {}", route.operation));
    on(
        filter(route.verb),
        move |State(state): State<AppState>,
              caller: Caller,
              deadline: Deadline,
              request: Request| async move {
            state.limits().admit_caller(&caller)?;
            // As the database would, but before the body is in memory: the largest are the service's.
            if !operation.admits(caller.role) {
                return Err(ApiError::new(ErrorCode::PermissionDenied));
            }
            let polled = route
                .version
                .map(|version| (version, request.headers().clone()));
            let arguments = read(route, operation, request).await?;
            let call = arguments.into_call(caller, deadline.0)?;
            let answer = state.call(call).await?;
            Ok::<Response, ApiError>(match (operation.rows, polled) {
                (Rows::None, _) => Nothing.into_response(),
                (Rows::One | Rows::Many, None) => DatabaseJson(answer).into_response(),
                (Rows::One | Rows::Many, Some((version, headers))) => {
                    let interval = state.sync_poll_interval();
                    PolledJson::new(answer, version, interval).answer(&headers)
                }
            })
        },
    )
}

fn filter(verb: Verb) -> MethodFilter {
    match verb {
        Verb::Get => MethodFilter::GET,
        Verb::Post => MethodFilter::POST,
        Verb::Put => MethodFilter::PUT,
        Verb::Patch => MethodFilter::PATCH,
        Verb::Delete => MethodFilter::DELETE,
    }
}

async fn read(
    route: &Route,
    operation: &'static Operation,
    mut request: Request,
) -> Result<Arguments, ApiError> {
    let mut arguments = Arguments::of(operation);
    read_path(&mut request, &mut arguments).await?;
    read_query(route.verb, &request, &mut arguments)?;
    let has_body = route.verb.has_body();
    let body = RawBody::from_request(request, &()).await?;
    if !has_body && !body.bytes.is_empty() {
        // Silently left out, it would hold arguments that its sender believes in.
        return Err(ApiError::invalid(
            "this method takes no body; send the arguments in the query",
        ));
    }
    if has_body {
        match route.whole_body {
            Some(name) => arguments.give_json(name, body.object()?)?,
            None => {
                for (name, value) in body.members()?.0 {
                    arguments.give_json(&name, value)?;
                }
            }
        }
    }
    Ok(arguments)
}

async fn read_path(request: &mut Request, arguments: &mut Arguments) -> Result<(), ApiError> {
    let parameters = match request.extract_parts::<RawPathParams>().await {
        Ok(parameters) => parameters,
        Err(RawPathParamsRejection::InvalidUtf8InPathParam(_)) => {
            return Err(ApiError::new(ErrorCode::InvalidText));
        }
        Err(_) => return Err(ApiError::internal("a route has no path parameters")),
    };
    for (name, text) in &parameters {
        arguments.give_text(name, text)?;
    }
    Ok(())
}

fn read_query(verb: Verb, request: &Request, arguments: &mut Arguments) -> Result<(), ApiError> {
    let query = request.uri().query().unwrap_or_default();
    for (name, text) in form_urlencoded::parse(query.as_bytes()) {
        // Silently left out, it would be an argument that its sender believes in.
        if verb.has_body() {
            return Err(ApiError::invalid_field(
                &name,
                "in the query; send it in the body",
            ));
        }
        arguments.give_text(&name, &text)?;
    }
    Ok(())
}
