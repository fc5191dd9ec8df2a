pub const TESTS: &[super::crash::runner::Test] = &[];
