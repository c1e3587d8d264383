//! What a peer may make us hold. Enforced by the decoder and the connections; sizes of single
//! messages are the carrier's.

/// Bounds on what a peer may make this side hold.
///
/// The defaults are the reference's where it has one (protocol section 11); the others are bounds
/// the reference lacks.
///
/// Nesting needs no setting: 127 levels is the bound everywhere. Parsing deeper data into a type
/// that keeps it fails with [`ArgsError::Mismatch`](crate::ArgsError::Mismatch) (serde_json's
/// recursion limit), and a packet with attachments nested deeper is refused with
/// [`DecodeError::TooDeep`](crate::DecodeError::TooDeep).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Attachments one packet may announce. Default 10, as in the reference since socket.io-parser
    /// 4.2.6.
    pub max_attachments: usize,
    /// Bytes all attachments of one packet may have together. Default 1,000,000.
    pub max_attachment_bytes: usize,
    /// Namespaces a client may have joined, or be joining, on one connection. Default 64. Not
    /// applied to what our own client joins.
    pub max_namespaces: usize,
    /// Bytes of a namespace's name, with its leading slash. Default 256.
    pub max_namespace_len: usize,
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
