//! The client side of HTTPS: rustls with the provider `ring`, and the certificates that the system trusts.

use reqwest::Url;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// What is needed to reach `base`. For plain HTTP nothing is trusted, so that a system without certificates will do.
pub(crate) fn config(base: &Url) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()?;
    if base.scheme() == "https" {
        Ok(builder.with_platform_verifier()?.with_no_client_auth())
    } else {
        Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
    }
}
