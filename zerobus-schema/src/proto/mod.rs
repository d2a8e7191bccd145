//! The proto2 side: messages, the `.proto` text, the descriptor.
