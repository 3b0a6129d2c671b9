//! What others ask for, filled in from a report: a replication article, checklists, an attestation, rows for a library of replications.
//!
//! Functions of a report's content. What the report does not know is marked as open, never made up.

mod facts;
mod article;
mod checklist;
mod attestation;
mod forrt;

pub use article::article;
pub use attestation::{Subject, attestation};
pub use checklist::checklist;
pub use forrt::forrt;
