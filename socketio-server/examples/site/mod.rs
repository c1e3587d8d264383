//! What the examples have in common and what has nothing to do with Socket.IO: flags, the page with
//! its style, and where it is served.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use socketio_server::{BoxError, Builder, ClientBundle, Io, StaticFiles};
use tokio::net::TcpListener;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

#[derive(Parser)]
pub(crate) struct Site {
    /// Port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Address to listen on; 0.0.0.0 lets phones in
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// Folder of the npm package `socket.io` or `socket.io-client`, to serve the official client
    /// from; without it the page asks the public CDN
    #[arg(long, value_name = "DIR")]
    client: Option<PathBuf>,
}

impl Site {
    /// As the command line says.
    pub(crate) fn parse() -> Self {
        tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .init();
        Parser::parse()
    }

    /// A server with a page. The page finds `client.js` and `style.css` beside it, unless it brings
    /// `files` of its own, which are paths, types and contents.
    pub(crate) fn builder(
        &self,
        page: &'static str,
        files: &[(&str, &'static str, &'static str)],
    ) -> Result<Builder, BoxError> {
        let mut site = StaticFiles::new()
            .embed("/", HTML, page.as_bytes())
            .embed("/client.js", SCRIPT, include_bytes!("client.js"))
            .embed("/style.css", STYLE, include_bytes!("style.css"));
        for (path, kind, content) in files {
            site = site.embed(path, kind, content.as_bytes());
        }
        let builder = Io::builder().files(site);
        Ok(match &self.client {
            Some(folder) => builder.client(ClientBundle::open(folder)?),
            None => builder,
        })
    }

    /// Serves until Ctrl-C.
    #[tokio::main]
    pub(crate) async fn serve(self, io: &Io) -> Result<(), BoxError> {
        let address = SocketAddr::new(self.host, self.port);
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| format!("cannot listen on {address}: {error}"))?;
        let port = listener.local_addr()?.port();
        println!("listening on http://localhost:{port}");
        let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
        println!("{}", io.serve(listener, stop, Duration::from_secs(5)).await);
        Ok(())
    }
}
