//! Placeholder until the decoder lands in the next commit.
