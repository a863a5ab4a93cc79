//! Who may ask, and what every answer says to the browser.
//!
//! The listener is on 127.0.0.1, but any page in the operator's browser can send requests there. So each request
//! has to name this listener as its host (a name that was made to point here is refused), must not come from
//! another origin, and, but for the page's own files, has to carry the token.

use std::net::SocketAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};

use super::token::Token;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It names another host.
    Host,
    /// It comes from another origin.
    Origin,
    /// It has no token, or another one.
    Token,
}

impl Refusal {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Host => "this dashboard answers to 127.0.0.1 and localhost only",
            Self::Origin => "requests from other sites are refused",
            Self::Token => "the token is missing or wrong",
        }
    }

    pub(super) const fn mend(self) -> &'static str {
        match self {
            Self::Host | Self::Origin | Self::Token => {
                "open the address that `gridkeeper up` or `gridkeeper dashboard` printed, with its ?token="
            }
        }
    }
}

/// How far a request has to prove itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// The page's own files, the same in every copy of this program.
    None,
    /// The token in a header or in the address.
    Token,
    /// The token in a header, which no other site can send.
    Header,
}

/// What a path asks for.
pub(super) fn proof_of(method: &Method, path: &str) -> Proof {
    if *method != Method::GET && *method != Method::HEAD {
        Proof::Header
    } else if path.starts_with("/assets/") {
        Proof::None
    } else {
        Proof::Token
    }
}

/// Whether a request may be answered.
///
/// # Errors
/// [`Refusal`] says why not.
pub(super) fn admit(
    address: SocketAddr,
    token: &Token,
    (method, uri, headers): (&Method, &Uri, &HeaderMap),
) -> Result<(), Refusal> {
    let hosts = [address.to_string(), format!("localhost:{}", address.port())];
    let host = text(headers, &header::HOST).ok_or(Refusal::Host)?;
    if !hosts.iter().any(|own| own.eq_ignore_ascii_case(host)) {
        return Err(Refusal::Host);
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = origin.to_str().ok();
        let own = origin
            .and_then(|origin| origin.strip_prefix("http://"))
            .is_some_and(|origin| hosts.iter().any(|own| own.eq_ignore_ascii_case(origin)));
        if !own {
            return Err(Refusal::Origin);
        }
    }
    // Browsers of today say where a request comes from, also where they send no origin.
    let site = headers.get(HeaderName::from_static("sec-fetch-site"));
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return Err(Refusal::Origin);
    }
    let proof = proof_of(method, uri.path());
    let given = match proof {
        Proof::None => return Ok(()),
        Proof::Header => bearer(headers),
        Proof::Token => bearer(headers).or_else(|| in_query(uri)),
    };
    match given {
        Some(given) if token.is(given) => Ok(()),
        Some(_) | None => Err(Refusal::Token),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = text(headers, &header::AUTHORIZATION)?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

fn in_query(uri: &Uri) -> Option<&str> {
    let mut pairs = uri.query()?.split('&');
    pairs.find_map(|pair| pair.strip_prefix("token="))
}

/// Scripts, styles and connections from here only, and nothing inside another site's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What every answer says to the browser.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Adds them to an answer.
pub(super) fn protect(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::super::token::Door;
    use super::*;

    const HOST: (&str, &str) = ("host", "127.0.0.1:9460");

    fn asked(
        method: Method,
        uri: &str,
        headers: &[(&str, &str)],
        token: &Token,
    ) -> Option<Refusal> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        let address = "127.0.0.1:9460".parse().unwrap();
        admit(address, token, (&method, &uri.parse().unwrap(), &map)).err()
    }

    #[test]
    fn a_request_names_this_host_and_comes_from_nowhere_else() {
        let door = Door::for_once().unwrap();
        let token = door.token();
        let page = format!("/?token={}", token.as_str());
        let get = |headers: &[(&str, &str)]| asked(Method::GET, &page, headers, token);
        assert_eq!(get(&[HOST]), None);
        assert_eq!(get(&[("host", "LOCALHOST:9460")]), None);
        for host in [
            "evil.example:9460",
            "127.0.0.1",
            "127.0.0.1:9461",
            "localhost.evil:9460",
            "",
        ] {
            assert_eq!(get(&[("host", host)]), Some(Refusal::Host), "{host}");
        }
        assert_eq!(get(&[]), Some(Refusal::Host));
        for own in ["http://127.0.0.1:9460", "http://localhost:9460"] {
            assert_eq!(get(&[HOST, ("origin", own)]), None, "{own}");
        }
        for other in [
            "https://127.0.0.1:9460",
            "http://evil.example",
            "null",
            "http://127.0.0.1:1",
        ] {
            let refused = get(&[HOST, ("origin", other)]);
            assert_eq!(refused, Some(Refusal::Origin), "{other}");
        }
        for (site, refused) in [
            ("same-origin", None),
            ("none", None),
            ("cross-site", Some(Refusal::Origin)),
            ("same-site", Some(Refusal::Origin)),
        ] {
            assert_eq!(get(&[HOST, ("sec-fetch-site", site)]), refused, "{site}");
        }
    }

    #[test]
    fn only_the_pages_files_are_for_everybody_and_a_change_needs_the_header() {
        let door = Door::for_once().unwrap();
        let token = door.token();
        let bearer = format!("Bearer {}", token.as_str());
        let by_header = [HOST, ("authorization", bearer.as_str())];
        for path in ["/", "/api/overview", "/api/events", "/metrics", "/x"] {
            let with = format!("{path}?a=b&token={}", token.as_str());
            let wrong = format!("{path}?token={}x", token.as_str());
            assert_eq!(
                asked(Method::GET, path, &[HOST], token),
                Some(Refusal::Token)
            );
            assert_eq!(
                asked(Method::GET, &wrong, &[HOST], token),
                Some(Refusal::Token)
            );
            assert_eq!(asked(Method::GET, &with, &[HOST], token), None, "{path}");
            assert_eq!(asked(Method::GET, path, &by_header, token), None, "{path}");
            assert_eq!(
                asked(Method::POST, &with, &[HOST], token),
                Some(Refusal::Token)
            );
            assert_eq!(asked(Method::POST, path, &by_header, token), None);
        }
        assert_eq!(asked(Method::GET, "/assets/main.js", &[HOST], token), None);
        let basic = format!("Basic {}", token.as_str());
        let by_another = [HOST, ("authorization", basic.as_str())];
        assert_eq!(
            asked(Method::GET, "/", &by_another, token),
            Some(Refusal::Token)
        );
    }
}
