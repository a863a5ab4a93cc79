//! The SDK's HTTP connector that ends in this process.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

use super::EmbeddedDynamo;
use super::dispatch::{Answer, CONTENT_TYPE, TARGET};

/// Hands every request to one embedded database.
#[derive(Debug, Clone)]
pub(crate) struct EmbeddedClient(pub(crate) EmbeddedDynamo);

impl HttpClient for EmbeddedClient {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for EmbeddedClient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let database = self.0.clone();
        HttpConnectorFuture::new(async move {
            let (target, body) = parts(&request)?;
            response(database.call(target, body).await)
        })
    }
}

/// The operation and the body of a request.
pub(crate) fn parts(request: &HttpRequest) -> Result<(String, Vec<u8>), ConnectorError> {
    let target = request
        .headers()
        .get(TARGET)
        .ok_or_else(|| ConnectorError::user("a request names no operation".into()))?;
    let body = request
        .body()
        .bytes()
        .ok_or_else(|| ConnectorError::user("a request's body is a stream".into()))?;
    Ok((target.to_owned(), body.to_vec()))
}

/// An answer as the SDK expects it.
pub(crate) fn response(answer: Answer) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(answer.status)
        .map_err(|error| ConnectorError::other(error.into(), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(answer.body));
    response.headers_mut().insert("content-type", CONTENT_TYPE);
    Ok(response)
}
