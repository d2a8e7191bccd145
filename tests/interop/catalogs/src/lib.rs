//! Tests only: what other people's catalogs answer, and what their tools read.
