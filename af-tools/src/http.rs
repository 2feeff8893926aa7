//! Requests over HTTP.

use std::sync::Arc;

use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::typestate::AgentScope;

/// With the certificates that the operating system trusts, as for every other connection.
pub(crate) fn config() -> ConfigBuilder<AgentScope> {
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(roots())))
        .build();
    Agent::config_builder().tls_config(tls)
}

fn roots() -> Vec<Certificate<'static>> {
    let native = rustls_native_certs::load_native_certs().certs;
    native.iter().map(|certificate| Certificate::from_der(certificate.as_ref()).to_owned()).collect()
}
