//! Images as archives: out of the engine with all the names that are asked for, and into it again.

use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use bollard::Docker as Client;
use bollard::query_parameters as query;
use futures_util::StreamExt;
use tokio::runtime::Runtime;

use super::docker::{cause, failed};
use super::pipe::{Archive, WAITING, feed};
use crate::error::{Error, Result};

pub(super) fn save(runtime: &Arc<Runtime>, client: Client, names: &[String]) -> Result<Box<dyn Read>> {
    let what = format!("read the image {}", names.join(", "));
    let (send, receive) = sync_channel(WAITING);
    let (runtime, names) = (Arc::clone(runtime), names.to_vec());
    let thread = std::thread::Builder::new().name("image".to_string()).spawn(move || {
        runtime.block_on(async {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut stream = std::pin::pin!(client.export_images(&names));
            while let Some(piece) = stream.next().await {
                let failed = piece.is_err();
                // Nobody listens any more: they have said why.
                if send.send(piece.map_err(|error| std::io::Error::other(cause(&error)))).is_err() || failed {
                    break;
                }
            }
        });
    });
    thread.map_err(|error| Error::failed(what).why(error.to_string()))?;
    Ok(Box::new(Archive::of(receive)))
}

pub(super) async fn load(client: &Client, from: &mut dyn Read) -> Result<()> {
    let what = "load an image";
    let (send, receive) = tokio::sync::mpsc::channel(1);
    let stream = futures_util::stream::unfold(receive, |mut receive| async { receive.recv().await.map(|piece| (piece, receive)) });
    let options = query::ImportImageOptionsBuilder::default().quiet(true).build();
    let loading = async {
        let mut said = std::pin::pin!(client.import_image(options, bollard::body_try_stream(stream), None));
        while let Some(line) = said.next().await {
            line.map_err(|error| failed(what, &error))?;
        }
        Ok(())
    };
    let (loaded, told) = tokio::join!(loading, feed(send, from));
    told.map_err(|error| Error::failed(what).why(error.to_string()))?;
    loaded
}
