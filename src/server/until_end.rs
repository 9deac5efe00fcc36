//! Standard input, that says when it has ended.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

pub(super) struct UntilEnd<R> {
    input: R,
    ended: Option<Box<dyn FnOnce() + Send>>,
}

impl<R> UntilEnd<R> {
    pub(super) fn new(input: R, ended: impl FnOnce() + Send + 'static) -> Self {
        Self {
            input,
            ended: Some(Box::new(ended)),
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for UntilEnd<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        let read = Pin::new(&mut self.input).poll_read(context, buffer);
        let ended = match &read {
            Poll::Ready(Ok(())) => room > 0 && buffer.filled().len() == before,
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        };
        if ended && let Some(tell) = self.ended.take() {
            tell();
        }
        read
    }
}
