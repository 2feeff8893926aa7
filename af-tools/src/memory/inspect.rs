//! A look at a store over HTTP, for people and probes, while it is in use: `GET /memory`, `/memory/{key}` and `/healthz`.
//!
//! It can only look. One request a connection, so many connections at once, and deadlines: whoever is slow, or says nothing,
//! takes nothing from anybody but himself.

mod answer;

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, oneshot};
use tokio::{task, time};

use self::answer::{Answer, answer};
use super::{MemoryStore, Namespace};

/// How many are looked after at once; others wait to be accepted.
const MAX_CONNECTIONS: usize = 32;
/// How long a request may take to arrive.
const REQUEST_TIME: Duration = Duration::from_secs(5);
/// How long all of a connection may take.
const CONNECTION_TIME: Duration = Duration::from_secs(15);
/// The longest request line with its headers.
const MAX_REQUEST_BYTES: usize = 16 * 1024;
/// How long to wait after an error that has nothing to do with a client, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until it is dropped.
pub struct Inspector {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Inspector {
    /// Shows one tenant's memory at this address; port 0 is any that is free. Whoever can connect can read all of it.
    ///
    /// # Errors
    ///
    /// When the address cannot be had.
    pub fn start(address: SocketAddr, store: Arc<dyn MemoryStore>, namespace: Namespace) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel();
        let shown = Shown { store, namespace };
        let thread = thread::Builder::new().name("inspector".to_owned());
        let thread = thread.spawn(move || serve(runtime, listener, shown, stopped))?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Inspector {
    fn drop(&mut self) {
        // The thread hears that the sender is gone, whether or not this arrives.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What is shown.
#[derive(Clone)]
struct Shown {
    store: Arc<dyn MemoryStore>,
    namespace: Namespace,
}

fn serve(runtime: Runtime, listener: tokio::net::TcpListener, shown: Shown, stopped: oneshot::Receiver<()>) {
    runtime.block_on(async {
        task::spawn(accept(listener, shown));
        // Nothing is ever sent: this is the end of the sender.
        let _ = stopped.await;
    });
    // What is being answered is not waited for.
    runtime.shutdown_background();
}

async fn accept(listener: tokio::net::TcpListener, shown: Shown) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let shown = shown.clone();
                task::spawn(async move {
                    // Whoever is too slow is left.
                    let _ = time::timeout(CONNECTION_TIME, converse(stream, shown)).await;
                    drop(place);
                });
            }
            Err(_) => time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn converse(stream: TcpStream, shown: Shown) {
    let service = service_fn(move |request| respond(request, shown.clone()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_TIME)
        .keep_alive(false)
        .max_buf_size(MAX_REQUEST_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    // A client that hangs up, or speaks something else than HTTP, is answered by hyper as far as possible.
    let _ = connection.await;
}

async fn respond(request: Request<Incoming>, shown: Shown) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, _) = request.into_parts();
    // A store of another kind may have to wait for something.
    let answer = task::spawn_blocking(move || answer(&head, shown.store.as_ref(), &shown.namespace)).await;
    Ok(answer.unwrap_or_else(|_| Answer::failed()).into_response())
}
