//! What is accepted with an order, as flags: each names something that the preview shows as in the way.

use clap::Args;
use serde_json::{Map, Value};

/// What is accepted.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Accepts {
    /// So much may be lost, such as 5s.
    #[arg(long, value_name = "LENGTH")]
    accept_loss: Option<String>,
    /// What is lost may be unknown.
    #[arg(long)]
    accept_unknown_loss: bool,
    /// The old side may go on accepting writes, and they would be lost.
    #[arg(long)]
    accept_exposure: bool,
    /// Gates that are passed although they are in the way, such as cooldown.
    #[arg(long, value_name = "GATE", num_args = 1..)]
    pass: Vec<String>,
}

impl Accepts {
    /// As the API reads it.
    pub(super) fn into(self, body: &mut Map<String, Value>) {
        body.extend(self.accept_loss.map(|loss| ("loss".to_owned(), loss.into())));
        for (key, said) in [("unknown_loss", self.accept_unknown_loss), ("exposure", self.accept_exposure)] {
            if said {
                body.insert(key.to_owned(), true.into());
            }
        }
        if !self.pass.is_empty() {
            body.insert("gates".to_owned(), self.pass.into());
        }
    }
}
