//! People are told: no notice is lost, none is said twice but after a kill, their order is kept, and nobody waits for a
//! slow channel. Against a Slack of our own, with real sockets and a real disk.

mod drained;
mod owed;
pub(crate) mod slack;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use watchkeeper::config::secret::Secret;
use watchkeeper::config::wiring::{Channel, ChannelKind, Escalation, People, ServiceWords, Tell, Told};
use watchkeeper::core::ids::Name;
use watchkeeper::core::time::Span;

use crate::toy::name;
use slack::Slack;

/// A channel whose address lies in that folder.
pub(crate) fn channel(dir: &Path, called: &str, slack: &Slack, fallback: Option<&str>) -> Channel {
    let file = dir.join(format!("{called}.url"));
    std::fs::write(&file, slack.url()).expect("a file");
    Channel {
        name: name(called),
        kind: ChannelKind::SlackWebhook { webhook: Secret::File(file) },
        fallback: fallback.map(name),
        rate: Some((1_000, Span::secs(1))),
    }
}

pub(crate) fn people(channels: Vec<Channel>) -> Arc<People> {
    Arc::new(People { channels, ..People::default() })
}

fn tell(after: Span, channel: &str) -> Tell {
    Tell {
        after,
        within: None,
        channels: vec![name(channel)],
        audience: "responders",
        repeat: None,
        until_acknowledged: None,
    }
}

/// The service `shop` is told by that escalation at every rung of these.
fn by(people: &Arc<People>, rungs: &[&str], escalation: Escalation) -> Arc<People> {
    let told = rungs.iter().map(|rung| (name(rung), Told::Escalation(name("all")))).collect();
    let words = ServiceWords { escalations: told, ..ServiceWords::default() };
    let services: BTreeMap<Name, ServiceWords> = [(name("shop"), words)].into();
    Arc::new(People { escalations: [(name("all"), escalation)].into(), services, ..(**people).clone() })
}
