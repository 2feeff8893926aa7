//! TLS as far as the mode demands it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::{Error, RootCertificates, Settings, SslMode};

/// The configuration that the settings demand.
pub(super) fn client_config(settings: &Settings) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Tls(error.to_string()))?;
    let roots = settings.root_certificates.as_ref().map(root_store).transpose()?;
    let builder = match (settings.sslmode, roots) {
        (SslMode::VerifyFull, Some(roots)) => builder.with_root_certificates(roots),
        (_, roots) => {
            let verifier = Arc::new(Unnamed { roots, provider });
            builder.dangerous().with_custom_certificate_verifier(verifier)
        }
    };
    match &settings.client_certificate {
        None => Ok(builder.with_no_client_auth()),
        Some((certificate, key)) => {
            let pem = |path: &std::path::Path| {
                let path = path.display().to_string();
                move |error| Error::Tls(format!("{path}: {error}"))
            };
            let chain = CertificateDer::pem_file_iter(certificate)
                .and_then(Iterator::collect)
                .map_err(pem(certificate))?;
            let key_der = PrivateKeyDer::from_pem_file(key).map_err(pem(key))?;
            builder.with_client_auth_cert(chain, key_der).map_err(|error| Error::Tls(error.to_string()))
        }
    }
}

fn root_store(certificates: &RootCertificates) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    match certificates {
        RootCertificates::System => {
            let native = rustls_native_certs::load_native_certs();
            store.add_parsable_certificates(native.certs);
            if store.is_empty() {
                return Err(Error::Tls("the operating system has no root certificates".to_owned()));
            }
        }
        RootCertificates::File(path) => {
            let error = |error: &dyn std::fmt::Display| Error::Tls(format!("{}: {error}", path.display()));
            let found = CertificateDer::pem_file_iter(path).map_err(|pem| error(&pem))?;
            for certificate in found {
                let certificate = certificate.map_err(|pem| error(&pem))?;
                store.add(certificate).map_err(|tls| error(&tls))?;
            }
            if store.is_empty() {
                return Err(error(&"no certificate in it"));
            }
        }
    }
    Ok(store)
}

/// Accepts a certificate whatever host it names: signed by one of the roots (verify-ca), or, without
/// roots, by anybody (the modes up to require, which only keep out those who just listen).
#[derive(Debug)]
struct Unnamed {
    roots: Option<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Unnamed {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
