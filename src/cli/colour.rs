//! Whether a person's terminal wants no colour. It looks at nothing else.

#[expect(
    clippy::disallowed_methods,
    reason = "https://no-color.org is about the terminal, not about the config"
)]
/// `NO_COLOR` is set, and not to nothing.
pub(super) fn unwanted() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty())
}
