//! `watchkeeper token new NAME`: a fresh token, shown once, and the lines of config that let it in. It is kept nowhere: the
//! config has its hash.

use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Args, Subcommand, ValueEnum};
use rand::TryRng as _;
use rand::rngs::SysRng;
use sha2::{Digest as _, Sha256};

use super::ask::{fails, in_path};
use super::{WELL, print};

/// Makes tokens for the API.
#[derive(Debug, Args)]
pub(super) struct Token {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Prints a fresh token and the lines of config for it.
    New(New),
}

#[derive(Debug, Args)]
struct New {
    /// What it is called: the chronicle names it so.
    name: String,
    /// What its bearer may do.
    #[arg(long, value_enum, default_value_t = Role::Operator)]
    role: Role,
}

/// What a bearer may do.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    /// Read.
    Viewer,
    /// Give orders.
    Operator,
    /// Approve.
    Approver,
    /// Everything.
    Admin,
}

impl Token {
    pub(super) fn run(self) -> ExitCode {
        let What::New(New { name, role }) = self.what;
        let mut bytes = [0; 32];
        if let Err(why) = in_path(&name) {
            return fails(&why);
        }
        if let Err(why) = SysRng.try_fill_bytes(&mut bytes) {
            return fails(&format!("the kernel gives no chance: {why}"));
        }
        let token = format!("wk_{}", URL_SAFE_NO_PAD.encode(bytes));
        let hash: String =
            Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let role = match role {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Approver => "approver",
            Role::Admin => "admin",
        };
        print(&format!(
            "{token}\n\n# The token above is shown once. Keep it where only {name} reads it (`--token-file`), and write this into the config:\n\
             [api.token.{name}]\nhash = \"sha256${hash}\"\nrole = \"{role}\"\n"
        ));
        WELL
    }
}
