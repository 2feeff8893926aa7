//! Whether anybody listens, told by a plain TCP connection: drivers tell their users that it failed, not always why.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};

use super::attempts::Limits;
use super::{Cause, Service, Trouble};

/// Connects to any address of `host`, and hangs up.
pub(super) fn reach(service: Service, host: &str, port: u16, limits: &Limits) -> Result<(), Trouble> {
    let connecting = format!("connect to {host} port {port}");
    let addresses = (host, port).to_socket_addrs().map_err(|error| {
        Trouble::new(service, Cause::Dns, format!("look up the name {host}: {}", without_prefix(&error)))
    })?;
    let mut last = io::Error::other("the name has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, limits.connect) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    let cause = if last.kind() == io::ErrorKind::Other { Cause::Dns } else { Cause::of_io(&last) };
    Err(Trouble::new(service, cause, format!("{connecting}: {last}")))
}

/// What a name server says, without the words that are the same in each of its errors.
fn without_prefix(error: &io::Error) -> String {
    let text = error.to_string();
    text.strip_prefix("failed to lookup address information: ").map_or_else(|| text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;

    fn limits() -> Limits {
        let limit = Duration::from_secs(5);
        Limits { connect: limit, read: limit, total: limit }
    }

    #[test]
    fn tells_who_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(reach(Service::Redis, "127.0.0.1", port, &limits()), Ok(()));
        drop(listener);
        let trouble = reach(Service::Redis, "127.0.0.1", port, &limits()).unwrap_err();
        assert_eq!(trouble.cause, Cause::Refused, "{trouble:?}");
        let trouble = reach(Service::Redis, "no-such-host.invalid", port, &limits()).unwrap_err();
        assert_eq!(trouble.cause, Cause::Dns, "{trouble:?}");
    }
}
