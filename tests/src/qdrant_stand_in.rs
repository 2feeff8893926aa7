//! A stand-in for Qdrant, which cannot be had from a package registry: the calls that `af-tools validate` makes, served by
//! the server code that comes with Qdrant's own client, and `/readyz` over HTTP. It holds no vectors.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;

use ::qdrant_client::qdrant::collections_server::{Collections, CollectionsServer};
use ::qdrant_client::qdrant::qdrant_server::{Qdrant, QdrantServer};
use ::qdrant_client::qdrant::*;
use tokio::runtime::Runtime;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// How the stand-in behaves.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// The version that it says it has.
    pub version: String,
    /// The API key that it demands, as Qdrant does of all but the health check.
    pub api_key: Option<String>,
    /// The status code that `/readyz` answers with.
    pub ready: u16,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { version: "1.20.1".to_owned(), api_key: None, ready: 200 }
    }
}

/// A running stand-in; gone when dropped.
#[derive(Debug)]
pub struct QdrantStandIn {
    /// Dropped last but not least: the server ends with it.
    runtime: Option<Runtime>,
    grpc: SocketAddr,
    http: SocketAddr,
    ready: Arc<AtomicU16>,
}

impl QdrantStandIn {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// When there is no port for it.
    #[must_use]
    pub fn start(behaviour: Behaviour) -> Self {
        let ready = Arc::new(AtomicU16::new(behaviour.ready));
        let http = serve_readiness(Arc::clone(&ready));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let incoming = {
            let _inside = runtime.enter();
            TcpIncoming::bind(([127, 0, 0, 1], 0).into()).expect("a port is free")
        };
        let grpc = incoming.local_addr().expect("a listener has an address");
        let server = Server::builder()
            .add_service(QdrantServer::new(Service(behaviour.clone())))
            .add_service(CollectionsServer::new(Service(behaviour)));
        runtime.spawn(server.serve_with_incoming(incoming));
        Self { runtime: Some(runtime), grpc, http, ready }
    }

    /// Where its gRPC interface is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.grpc)
    }

    /// Where its HTTP interface is.
    #[must_use]
    pub fn http_url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// From now on `/readyz` answers with this status code.
    pub fn set_ready(&self, code: u16) {
        self.ready.store(code, Ordering::SeqCst);
    }
}

impl Drop for QdrantStandIn {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A thread that ends with the process.
fn serve_readiness(ready: Arc<AtomicU16>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("a listener has an address");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let Some(first) = lines.next() else { continue };
            // The request ends with an empty line.
            let _ = lines.find(String::is_empty);
            let code = if first.starts_with("GET /readyz ") { ready.load(Ordering::SeqCst) } else { 404 };
            // Whoever hangs up has no interest in the answer.
            let _ =
                write!(stream, "HTTP/1.1 {code} Status\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    address
}

struct Service(Behaviour);

#[tonic::async_trait]
impl Qdrant for Service {
    async fn health_check(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckReply>, Status> {
        let version = self.0.version.clone();
        let title = "stand-in for qdrant".to_owned();
        Ok(Response::new(HealthCheckReply { title, version, commit: None }))
    }
}

/// The collections' service with the one call that is answered, and the names and types of all others.
macro_rules! collections {
    ($($call:ident($request:ident) -> $reply:ident;)*) => {
        #[tonic::async_trait]
        impl Collections for Service {
            async fn list(
                &self,
                request: Request<ListCollectionsRequest>,
            ) -> Result<Response<ListCollectionsResponse>, Status> {
                let given = request.metadata().get("api-key").and_then(|key| key.to_str().ok());
                if self.0.api_key.is_some() && given != self.0.api_key.as_deref() {
                    return Err(Status::unauthenticated("Must provide an API key or an Authorization bearer token"));
                }
                let collections = vec![CollectionDescription { name: "documents".to_owned() }];
                Ok(Response::new(ListCollectionsResponse { collections, time: 0.0 }))
            }

            $(async fn $call(&self, _: Request<$request>) -> Result<Response<$reply>, Status> {
                Err(Status::unimplemented("this is a stand-in"))
            })*
        }
    };
}

collections! {
    get(GetCollectionInfoRequest) -> GetCollectionInfoResponse;
    create(CreateCollection) -> CollectionOperationResponse;
    update(UpdateCollection) -> CollectionOperationResponse;
    delete(DeleteCollection) -> CollectionOperationResponse;
    update_aliases(ChangeAliases) -> CollectionOperationResponse;
    list_collection_aliases(ListCollectionAliasesRequest) -> ListAliasesResponse;
    list_aliases(ListAliasesRequest) -> ListAliasesResponse;
    collection_cluster_info(CollectionClusterInfoRequest) -> CollectionClusterInfoResponse;
    collection_exists(CollectionExistsRequest) -> CollectionExistsResponse;
    update_collection_cluster_setup(UpdateCollectionClusterSetupRequest) -> UpdateCollectionClusterSetupResponse;
    create_shard_key(CreateShardKeyRequest) -> CreateShardKeyResponse;
    delete_shard_key(DeleteShardKeyRequest) -> DeleteShardKeyResponse;
    list_shard_keys(ListShardKeysRequest) -> ListShardKeysResponse;
}
