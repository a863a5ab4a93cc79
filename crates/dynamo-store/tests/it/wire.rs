//! A client whose requests pass through the test's hands: counted, lost, answered or preceded by
//! somebody else's write.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

type Interlude = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What happens to one request.
pub(crate) enum Act {
    /// It is answered as usual.
    Pass,
    /// It is carried out, and its reply is lost.
    LoseReply,
    /// It never arrives.
    LoseRequest,
    /// It never arrives, and this happens before it is sent again.
    LoseRequestAnd(Interlude),
    /// This happens first; then it is answered as usual.
    After(Interlude),
    /// It is answered with this.
    Answer(u16, Value),
    /// A batch read is answered with nothing but its own keys, as if there were no capacity.
    LeaveOver,
}

/// The test's end of the wire.
#[derive(Clone, Default)]
pub(crate) struct Wire {
    acts: Arc<Mutex<VecDeque<Act>>>,
    log: Arc<Mutex<Vec<String>>>,
    /// Whether the service forgets the tokens by which it knows a repeated transaction.
    forgets_tokens: bool,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    pub(crate) fn forgetting_tokens() -> Self {
        Self {
            forgets_tokens: true,
            ..Self::default()
        }
    }

    /// A client like this one whose requests go through the wire, and whose retries are quick.
    pub(crate) fn tap(&self, client: &Client) -> Client {
        let inner = client.config().http_client().unwrap();
        let tapped = Tapped {
            inner,
            wire: self.clone(),
        };
        let quick = RetryConfig::standard()
            .with_max_attempts(3)
            .with_initial_backoff(Duration::from_millis(1));
        let config = client
            .config()
            .to_builder()
            .retry_config(quick)
            .http_client(SharedHttpClient::new(tapped))
            .build();
        Client::from_conf(config)
    }

    /// What happens to the next requests, in turn; later ones pass.
    pub(crate) fn next(&self, acts: impl IntoIterator<Item = Act>) {
        self.log.lock().unwrap().clear();
        *self.acts.lock().unwrap() = acts.into_iter().collect();
    }

    /// The operations requested since the last [`Wire::next`].
    pub(crate) fn seen(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

#[derive(Debug, Clone)]
struct Tapped {
    inner: SharedHttpClient,
    wire: Wire,
}

impl HttpClient for Tapped {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(TappedConnector {
            inner: self.inner.http_connector(settings, components),
            wire: self.wire.clone(),
        })
    }
}

#[derive(Debug)]
struct TappedConnector {
    inner: SharedHttpConnector,
    wire: Wire,
}

impl HttpConnector for TappedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap();
        let operation = target.rsplit('.').next().unwrap().to_owned();
        self.wire.log.lock().unwrap().push(operation);
        let act = self.wire.acts.lock().unwrap().pop_front();
        let mut request = request;
        if self.wire.forgets_tokens {
            let mut body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
            body.as_object_mut().unwrap().remove("ClientRequestToken");
            *request.body_mut() = SdkBody::from(body.to_string());
        }
        let inner = self.inner.clone();
        HttpConnectorFuture::new(async move {
            let lost = || Err(ConnectorError::io("the wire was cut".into()));
            match act.unwrap_or(Act::Pass) {
                Act::Pass => inner.call(request).await,
                Act::LoseReply => {
                    inner.call(request).await?;
                    lost()
                }
                Act::LoseRequest => lost(),
                Act::LoseRequestAnd(interlude) => {
                    interlude.await;
                    lost()
                }
                Act::After(interlude) => {
                    interlude.await;
                    inner.call(request).await
                }
                Act::Answer(status, body) => Ok(answer(status, &body)),
                Act::LeaveOver => {
                    let asked: Value =
                        serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
                    let body = json!({
                        "Responses": {},
                        "UnprocessedKeys": asked["RequestItems"],
                    });
                    Ok(answer(200, &body))
                }
            }
        })
    }
}

fn answer(status: u16, body: &Value) -> HttpResponse {
    HttpResponse::new(
        StatusCode::try_from(status).unwrap(),
        SdkBody::from(body.to_string()),
    )
}

/// The answer by which DynamoDB cancels a transaction, with one reason for each part.
pub(crate) fn cancelled(codes: &[&str]) -> Act {
    let reasons: Vec<Value> = codes
        .iter()
        .map(|code| json!({"Code": code, "Message": "told by the test"}))
        .collect();
    Act::Answer(
        400,
        json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": "Transaction cancelled",
            "CancellationReasons": reasons,
        }),
    )
}

/// An answer with an error of this name.
pub(crate) fn error(status: u16, name: &str) -> Act {
    Act::Answer(
        status,
        json!({
            "__type": format!("com.amazonaws.dynamodb.v20120810#{name}"),
            "message": "told by the test",
        }),
    )
}
