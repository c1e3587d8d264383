//! Class-based namespaces and functions that know their event.
