//! What a peer may make us hold. Enforced by the decoder and the connections; sizes of single
//! messages are the carrier's.

use crate::DecodeError;

/// Bounds on what a peer may make this side hold.
///
/// The defaults are the reference's where it has one (protocol section 11); the others are bounds
/// the reference lacks.
///
/// Nesting needs no setting: 127 levels is the bound everywhere. Parsing deeper data into a type
/// that keeps it fails with [`ArgsError::Mismatch`](crate::ArgsError::Mismatch) (serde_json's
/// recursion limit), and a packet with attachments nested deeper is refused with
/// [`DecodeError::TooDeep`](crate::DecodeError::TooDeep).
///
/// Nor does the query with credentials that revision 4 has behind a namespace's name: it is bounded
/// by 8,192 bytes. Clients send it in their handshake too, where it has to fit the head of a
/// request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Attachments one packet may announce, or carry inline. Default 10, as in the reference since
    /// socket.io-parser 4.2.6.
    pub max_attachments: usize,
    /// Bytes all attachments of one packet may have together. Default 1,000,000.
    pub max_attachment_bytes: usize,
    /// Namespaces a client may have joined, or be joining, on one connection. Default 64. Not
    /// applied to what our own client joins. As many names are remembered of those that the server
    /// ended, for what their clients had sent before they knew.
    pub max_namespaces: usize,
    /// Bytes of a namespace's name, with its leading slash. Default 256.
    pub max_namespace_len: usize,
}

impl Limits {
    /// Checks the lengths of a packet's namespace and of the query behind it.
    pub(crate) fn check_namespace(
        &self,
        name: &str,
        query: Option<&str>,
    ) -> Result<(), DecodeError> {
        let (len, limit) = (name.len(), self.max_namespace_len);
        if len > limit {
            return Err(DecodeError::NamespaceTooLong { len, limit });
        }
        let (len, limit) = (query.map_or(0, str::len), MAX_QUERY_LEN);
        if len > limit {
            return Err(DecodeError::QueryTooLong { len, limit });
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_attachments: 10,
            max_attachment_bytes: 1_000_000,
            max_namespaces: 64,
            max_namespace_len: 256,
        }
    }
}

/// Bytes of the query behind a namespace's name.
const MAX_QUERY_LEN: usize = 8192;
