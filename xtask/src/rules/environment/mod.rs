//! Variables: those that are missing, contradict each other, or cannot be what they shall be.

mod conflicting_variable;
mod env_file_missing;
mod env_file_not_the_root;
mod expects;
mod invalid_value;
mod undefined_variable;
mod undocumented_variable;
mod variable_not_passed;

use super::Rule;

pub(super) const RULES: &[&Rule] = &[
    &undefined_variable::RULE,
    &variable_not_passed::RULE,
    &invalid_value::RULE,
    &conflicting_variable::RULE,
    &undocumented_variable::RULE,
    &env_file_not_the_root::RULE,
    &env_file_missing::RULE,
];
