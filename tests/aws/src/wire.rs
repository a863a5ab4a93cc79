//! What no command of ours asks of a local AWS: messages of our own on its queues, a look at them, and the switch between
//! a queue and its function.
//!
//! Start at [`Wire::of`].

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::Region;
use crate::deploy::STACK;

/// The function that takes reports.
const FUNCTION: &str = "handle-fill";

/// A local AWS, as its own owner reaches it.
#[derive(Debug)]
pub(crate) struct Wire {
    client: reqwest::Client,
    url: String,
}

impl Wire {
    pub(crate) fn of(region: &Region) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let url = region.url();
        Ok(Self { client, url })
    }

    /// A local AWS asks who it is and believes every answer; the service is told from that.
    fn signed(&self, request: reqwest::RequestBuilder, service: &str) -> reqwest::RequestBuilder {
        let credential = format!("test/20260101/eu-west-1/{service}/aws4_request");
        let signed =
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0");
        request.header("authorization", signed)
    }

    async fn queue(&self, operation: &str, queue: &str, mut with: Value) -> anyhow::Result<Value> {
        with["QueueUrl"] = format!("{}/000000000000/{STACK}-{queue}", self.url).into();
        self.ask("sqs", "AmazonSQS", operation, &with).await
    }

    /// Asks something of the table.
    pub(crate) async fn table(&self, operation: &str, with: Value) -> anyhow::Result<Value> {
        let asked = self.ask("dynamodb", "DynamoDB_20120810", operation, &with);
        asked.await
    }

    async fn ask(
        &self,
        service: &str,
        name: &str,
        operation: &str,
        with: &Value,
    ) -> anyhow::Result<Value> {
        let request = self
            .signed(self.client.post(&self.url), service)
            .header("x-amz-target", format!("{name}.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .body(with.to_string());
        answer(operation, request).await
    }

    /// What is known of a function of the stack.
    pub(crate) async fn function(&self, name: &str) -> anyhow::Result<Value> {
        let of = format!(
            "{}/2015-03-31/functions/{STACK}-{name}/configuration",
            self.url
        );
        let asked = self.signed(self.client.get(of), "lambda");
        answer("GetFunctionConfiguration", asked).await
    }

    /// Puts messages on a queue, all with one request; their ids.
    pub(crate) async fn send(&self, queue: &str, bodies: &[&str]) -> anyhow::Result<Vec<String>> {
        let entries = bodies.iter().enumerate();
        let entries: Vec<Value> = entries
            .map(|(nth, body)| json!({ "Id": nth.to_string(), "MessageBody": body }))
            .collect();
        let with = json!({ "Entries": entries });
        let sent = self.queue("SendMessageBatch", queue, with).await?;
        let sent = sent["Successful"]
            .as_array()
            .context("no answer by entry")?;
        ensure!(sent.len() == bodies.len(), "not all were taken: {sent:?}");
        let ids = sent.iter().filter_map(|sent| sent["MessageId"].as_str());
        Ok(ids.map(str::to_owned).collect())
    }

    /// What waits on a queue, by body. It stays there.
    pub(crate) async fn look(&self, queue: &str) -> anyhow::Result<Vec<String>> {
        let with = json!({ "MaxNumberOfMessages": 10, "VisibilityTimeout": 0 });
        let seen = self.queue("ReceiveMessage", queue, with).await?;
        let seen = seen["Messages"].as_array().into_iter().flatten();
        let bodies = seen.filter_map(|message| message["Body"].as_str());
        Ok(bodies.map(str::to_owned).collect())
    }

    /// How many messages a queue has, those that are being handled included.
    pub(crate) async fn depth(&self, queue: &str) -> anyhow::Result<u64> {
        let names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
        ];
        let with = json!({ "AttributeNames": names });
        let told = self.queue("GetQueueAttributes", queue, with).await?;
        let mut depth = 0;
        for name in names {
            let count = told["Attributes"][name].as_str().context(name)?;
            depth += count.parse::<u64>()?;
        }
        Ok(depth)
    }

    /// Deletes all that is on a queue.
    pub(crate) async fn purge(&self, queue: &str) -> anyhow::Result<()> {
        self.queue("PurgeQueue", queue, json!({})).await.map(drop)
    }

    /// Whether the function of reports takes them from its queue from now on.
    pub(crate) async fn feed(&self, is_fed: bool) -> anyhow::Result<()> {
        let mappings = format!("{}/2015-03-31/event-source-mappings", self.url);
        let of = format!("{mappings}/?FunctionName={STACK}-{FUNCTION}");
        let listed = self.signed(self.client.get(of), "lambda");
        let listed = answer("ListEventSourceMappings", listed).await?;
        let id = listed["EventSourceMappings"][0]["UUID"].as_str();
        let id = id.context("nothing feeds the function of reports")?;
        let switch = self
            .signed(self.client.put(format!("{mappings}/{id}")), "lambda")
            .body(json!({ "Enabled": is_fed }).to_string());
        answer("UpdateEventSourceMapping", switch).await.map(drop)
    }
}

async fn answer(what: &str, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let reply = request.send().await?;
    let status = reply.status();
    let text = reply.text().await?;
    ensure!(status.is_success(), "{what}: {status} {text}");
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&text).with_context(|| format!("{what}: {text}"))
}
