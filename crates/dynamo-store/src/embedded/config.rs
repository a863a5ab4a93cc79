//! How the SDK's client is set up to reach a database on this machine.

use aws_sdk_dynamodb::config::auth::{Params as AuthParams, ResolveAuthScheme};
use aws_sdk_dynamodb::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Builder, Config, ConfigBag, HttpClient, RuntimeComponents, SharedHttpClient,
    StalledStreamProtectionConfig,
};
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeId, AuthSchemeOption, AuthSchemeOptionsFuture,
};

/// The SDK's own name for not signing.
const NO_AUTH: AuthSchemeId = AuthSchemeId::new("no_auth");

/// The configuration of a client whose requests never leave this machine: nothing is read from the
/// environment, nothing is signed, and no body is watched for a network that stalls.
pub(crate) fn config(client: impl HttpClient + 'static) -> Builder {
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .allow_no_auth()
        .auth_scheme_resolver(NoAuth)
        .endpoint_resolver(Here)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(SharedHttpClient::new(client))
}

/// Where every request goes: nowhere, by a name that resolves to nothing.
#[derive(Debug)]
struct Here;

impl ResolveEndpoint for Here {
    fn resolve_endpoint(&self, _params: &Params) -> EndpointFuture<'_> {
        EndpointFuture::ready(Ok(Endpoint::builder().url("http://dynamodb.local").build()))
    }
}

/// Chooses not to sign: whoever can call the database holds its file or may write to its socket.
#[derive(Debug)]
struct NoAuth;

impl ResolveAuthScheme for NoAuth {
    fn resolve_auth_scheme<'a>(
        &'a self,
        _params: &'a AuthParams,
        _bag: &'a ConfigBag,
        _components: &'a RuntimeComponents,
    ) -> AuthSchemeOptionsFuture<'a> {
        AuthSchemeOptionsFuture::ready(Ok(vec![AuthSchemeOption::from(NO_AUTH)]))
    }
}
