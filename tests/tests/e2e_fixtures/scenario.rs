//! One call of every operation that has a route, in one stream.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use hyper::Method;
use serde_json::{Value, json};
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::request::Request;
use stream_tests::webhook::{BROADCASTER_JOINED, of_user};
use uuid::Uuid;

/// Made by the client, so that it stays the same.
const MESSAGE: &str = "00000000-0000-4000-8000-0000000000c1";

pub struct Play<'a> {
    services: &'a Services,
    seller: String,
    ada: String,
    ben: String,
    service: String,
    /// The answers, by operation.
    pub answers: BTreeMap<String, Value>,
}

impl<'a> Play<'a> {
    pub fn new(services: &'a Services) -> Self {
        Self {
            services,
            seller: services.token_of(demo::SELLER),
            ada: services.token_of(demo::ADA),
            ben: services.token_of(demo::BEN),
            service: services.keys.service_role_key.clone(),
            answers: BTreeMap::new(),
        }
    }

    pub async fn run(&mut self) -> Result<()> {
        let stream = self.start().await?;
        let path = format!("/v1/streams/{stream}");
        self.join(stream, &path).await?;
        self.chat(stream, &path).await?;
        self.find().await?;
        self.report(&path).await?;
        self.moderate(&path).await?;
        self.read(&path).await?;
        self.clean_up(&path).await?;
        self.notify(stream).await?;
        self.end(&path).await?;
        self.erase().await
    }

    /// Problems of each kind that the edge makes itself, and one of the database's.
    pub async fn refusals(&self) -> Result<Vec<Value>> {
        let stream = format!("/v1/streams/{}", Uuid::new_v4());
        let requests = [
            Request::get("/v1/nowhere"),
            Request::get(&stream),
            Request::get(&stream).bearer(&self.ada),
            Request::get("/v1/streams/1").bearer(&self.ada),
            Request::new(Method::DELETE, "/v1/streams").bearer(&self.ada),
        ];
        let mut problems = Vec::new();
        for request in requests {
            problems.push(request.send(&self.services.edge_url).await?.json());
        }
        Ok(problems)
    }

    async fn start(&mut self) -> Result<Uuid> {
        let seller = self.seller.clone();
        let started = self
            .post(
                "start_stream",
                &seller,
                "/v1/streams",
                json!({"auction_id": demo::AUCTION}),
            )
            .await?;
        let stream = Uuid::parse_str(started["id"].as_str().context("no id")?)?;
        let path = format!("/v1/streams/{stream}");
        let body = json!({"state": "active", "reason": "on air", "generation": 1});
        self.call(
            "update_stream_state",
            &seller,
            Method::PATCH,
            &format!("{path}/state"),
            Some(body),
        )
        .await?;
        self.get("get_session", &seller, &path).await?;
        self.get("get_stream_state", &seller, &format!("{path}/state"))
            .await?;
        let body = json!({"channel_id": stream, "generation": 1});
        let token = self
            .post("generate_seller_token", &seller, "/v1/tokens/seller", body)
            .await?;
        let body = json!({"token": token["token"], "channel_id": stream, "account": "1"});
        let service = self.service.clone();
        self.post("inspect_token", &service, "/v1/tokens/inspect", body)
            .await?;
        Ok(stream)
    }

    async fn join(&mut self, stream: Uuid, path: &str) -> Result<()> {
        let (seller, ada) = (self.seller.clone(), self.ada.clone());
        let (ben, service) = (self.ben.clone(), self.service.clone());
        self.post("join_stream", &ada, &format!("{path}/join"), json!({}))
            .await?;
        self.post("add_viewer", &ben, &format!("{path}/viewers"), json!({}))
            .await?;
        self.get("get_viewers", &seller, &format!("{path}/viewers"))
            .await?;
        self.get("get_viewer_count", &ada, &format!("{path}/viewers/count"))
            .await?;
        let body = json!({"channel_id": stream});
        self.post(
            "generate_buyer_token",
            &ada,
            "/v1/tokens/buyer",
            body.clone(),
        )
        .await?;
        self.post("refresh_token", &ada, "/v1/tokens/refresh", body)
            .await?;
        let body = json!({"foreground": true, "join_no": 1, "last_seq": 2});
        self.post("heartbeat", &ada, &format!("{path}/heartbeat"), body)
            .await?;
        let items = json!([
            {"session_id": stream, "user_id": demo::BEN, "join_no": 1},
            {"session_id": stream, "user_id": demo::CLEO},
            "no heartbeat",
        ]);
        self.post(
            "heartbeats",
            &service,
            "/v1/heartbeats",
            json!({"items": items}),
        )
        .await?;
        Ok(())
    }

    async fn chat(&mut self, stream: Uuid, path: &str) -> Result<()> {
        let (ada, service) = (self.ada.clone(), self.service.clone());
        let messages = format!("{path}/messages");
        let body = json!({"content": "Good evening", "id": MESSAGE});
        self.post("send_message", &ada, &messages, body).await?;
        let items = json!([
            {"session_id": stream, "user_id": demo::BEN, "content": "Hello", "id": Uuid::new_v4()},
            {"session_id": stream, "user_id": demo::CLEO, "content": "Nobody let me in"},
        ]);
        self.post(
            "send_messages",
            &service,
            "/v1/messages",
            json!({"items": items}),
        )
        .await?;
        let update = json!({"text": "Ada bids 20", "amount": 20});
        self.post(
            "post_auction_update",
            &service,
            &format!("{path}/auction-updates"),
            update,
        )
        .await?;
        self.get(
            "get_message_history",
            &ada,
            &format!("{messages}?page_size=2"),
        )
        .await?;
        self.get(
            "sync_messages",
            &ada,
            &format!("{messages}/since/{MESSAGE}"),
        )
        .await?;
        let reads = format!("{path}/reads");
        let body = json!({"message_ids": [MESSAGE]});
        self.post("mark_messages_as_read", &ada, &reads, body)
            .await?;
        let body = Some(json!({"seq": 1}));
        self.call(
            "mark_read_up_to",
            &ada,
            Method::PUT,
            &format!("{reads}/up_to"),
            body,
        )
        .await?;
        self.get("unread_count", &ada, &reads).await?;
        let subscribed = self
            .post(
                "subscribe_to_chat",
                &ada,
                &format!("{path}/subscriptions"),
                json!({}),
            )
            .await?;
        let id = subscribed["id"].as_str().context("no id")?;
        self.delete(
            "unsubscribe_from_chat",
            &ada,
            &format!("/v1/subscriptions/{id}"),
        )
        .await?;
        Ok(())
    }

    async fn find(&mut self) -> Result<()> {
        let ada = self.ada.clone();
        let live = format!("/v1/auctions/{}/live-stream", demo::AUCTION);
        self.get("get_live_stream", &ada, &live).await?;
        self.get("list_live_streams", &ada, "/v1/streams?page_size=10")
            .await?;
        Ok(())
    }

    async fn report(&mut self, path: &str) -> Result<()> {
        let (seller, ben) = (self.seller.clone(), self.ben.clone());
        let reports = format!("{path}/messages/{MESSAGE}/reports");
        self.post("report_message", &ben, &reports, json!({"reason": "spam"}))
            .await?;
        let reports = format!("{path}/moderation/reports");
        self.get("list_reports", &seller, &reports).await?;
        let resolve = format!("{reports}/{MESSAGE}/resolve");
        self.post("resolve_report", &seller, &resolve, json!({}))
            .await?;
        Ok(())
    }

    async fn erase(&mut self) -> Result<()> {
        let service = self.service.clone();
        let ben = format!("/v1/users/{}", demo::BEN);
        self.get("export_user", &service, &format!("{ben}/export"))
            .await?;
        self.post("forget_user", &service, &format!("{ben}/forget"), json!({}))
            .await?;
        Ok(())
    }

    async fn moderate(&mut self, path: &str) -> Result<()> {
        let seller = self.seller.clone();
        let at = |rest: &str| format!("{path}/moderation/{rest}");
        for (operation, rest, body) in [
            ("set_slow_mode", "slow-mode", json!({"interval_ms": 3000})),
            ("set_chat_mode", "chat-mode", json!({"mode": "viewers"})),
            ("pin_message", "pin", json!({"message_id": MESSAGE})),
        ] {
            self.call(operation, &seller, Method::PUT, &at(rest), Some(body))
                .await?;
        }
        let body = json!({"user_id": demo::ADA, "duration_s": 60, "reason": "spam"});
        self.post("mute_user", &seller, &at("mute"), body).await?;
        let body = json!({"user_id": demo::CLEO});
        self.post("ban_user", &seller, &at("ban"), body).await?;
        self.get("list_restrictions", &seller, &at("restrictions"))
            .await?;
        let body = json!({"term": "scam"});
        self.post("block_term", &seller, &at("blocked-terms"), body)
            .await?;
        self.get("list_blocked_terms", &seller, &at("blocked-terms"))
            .await?;
        Ok(())
    }

    async fn read(&mut self, path: &str) -> Result<()> {
        let (seller, ada) = (self.seller.clone(), self.ada.clone());
        self.get("sync", &ada, &format!("{path}/sync?after_seq=1"))
            .await?;
        self.get(
            "get_moderation_log",
            &seller,
            &format!("{path}/moderation/log"),
        )
        .await?;
        Ok(())
    }

    async fn clean_up(&mut self, path: &str) -> Result<()> {
        let (seller, ada) = (self.seller.clone(), self.ada.clone());
        let at = |rest: &str| format!("{path}/moderation/{rest}");
        self.delete("unpin_message", &seller, &at("pin")).await?;
        self.delete("unblock_term", &seller, &at("blocked-terms?term=scam"))
            .await?;
        let body = json!({"user_id": demo::CLEO, "kind": "ban"});
        self.post("lift_restriction", &seller, &at("lift"), body)
            .await?;
        let message = format!("{path}/messages/{MESSAGE}?reason=spam");
        self.delete("delete_message", &seller, &message).await?;
        let messages = at(&format!("users/{}/messages", demo::BEN));
        self.delete("delete_user_messages", &seller, &messages)
            .await?;
        let place = format!("{path}/viewers/{}?join_no=1", demo::ADA);
        self.delete("remove_viewer", &ada, &place).await?;
        Ok(())
    }

    async fn end(&mut self, path: &str) -> Result<()> {
        let seller = self.seller.clone();
        for (operation, what) in [
            ("pause_stream", "pause"),
            ("resume_stream", "resume"),
            ("end_stream", "end"),
        ] {
            let body = json!({"reason": "a break"});
            self.post(operation, &seller, &format!("{path}/{what}"), body)
                .await?;
        }
        self.get("get_stream_summary", &seller, &format!("{path}/summary"))
            .await?;
        Ok(())
    }

    /// `POST /webhooks/agora` passes on what this function answers.
    async fn notify(&mut self, stream: Uuid) -> Result<()> {
        let service = self.services.database.service().await?;
        let notice = of_user(BROADCASTER_JOINED, stream, 1, 1);
        let answer = service
            .rpc("apply_webhook", json!({"notice": notice}))
            .await?;
        self.answers.insert("apply_webhook".to_owned(), answer);
        Ok(())
    }

    async fn get(&mut self, operation: &str, token: &str, path: &str) -> Result<Value> {
        self.call(operation, token, Method::GET, path, None).await
    }

    async fn delete(&mut self, operation: &str, token: &str, path: &str) -> Result<Value> {
        self.call(operation, token, Method::DELETE, path, None)
            .await
    }

    async fn post(
        &mut self,
        operation: &str,
        token: &str,
        path: &str,
        body: Value,
    ) -> Result<Value> {
        self.call(operation, token, Method::POST, path, Some(body))
            .await
    }

    async fn call(
        &mut self,
        operation: &str,
        token: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value> {
        let answer = match body {
            Some(body) => self.services.edge_json(token, method, path, body).await?,
            None => self.services.edge(token, method, path).await?,
        };
        let answer = answer.ok().with_context(|| operation.to_owned())?;
        self.answers.insert(operation.to_owned(), answer.clone());
        Ok(answer)
    }
}
