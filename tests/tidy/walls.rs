//! The walls between the shells: core; shells; daemon; demo; cli; main, and no arrow back up.
//!
//! Why: a notifier that can call a step, or an API that can, is a second way to fail over, past the claim and the
//! gates. What one shell wants of another goes through the core as an Input and comes back as an Effect, and only the
//! daemon connects the two. Tests in the shells are not exempt: a test that needs two shells belongs into `tests/it`.

use super::Finding;
use super::paths::paths;
use super::source::House;

/// A room: its name, what it may use beside the core and itself, and why no more.
struct Room {
    name: &'static str,
    knows: &'static [&'static str],
    why: &'static str,
}

const fn room(name: &'static str, knows: &'static [&'static str], why: &'static str) -> Room {
    Room { name, knows, why }
}

const SHELL: &str =
    "shells do not know one another; what it wants of the other is an Input, and the daemon carries it";
const ROOMS: [Room; 11] = [
    room("config", &[], "everyone stands on config, so it stands on the core alone"),
    room("probe", &["config"], SHELL),
    room(
        "step",
        &["config", "probe"],
        "it reaches its targets as probes do (docs/decisions/0043) and needs no other shell",
    ),
    room("store", &["config"], SHELL),
    room("coord", &["config", "store"], SHELL),
    room("chronicle", &["config", "store"], SHELL),
    room("notify", &["config", "chronicle"], "it drains the chronicle's outbox and needs no other shell"),
    room(
        "api",
        &["config", "chronicle"],
        "an operator is one more Input, under the same claim and gates: the API reads the chronicle and reaches no \
         other shell",
    ),
    room(
        "daemon",
        &["config", "probe", "step", "store", "coord", "chronicle", "notify", "api"],
        "it wires the shells and is started by cli and demo; it knows neither",
    ),
    room(
        "demo",
        &["config", "daemon"],
        "it breaks a toy world round a real daemon, and knows what the daemon shows",
    ),
    room(
        "cli",
        &["config", "probe", "step", "store", "coord", "chronicle", "notify", "api", "daemon", "demo"],
        "nothing but main stands above it",
    ),
];

pub(super) fn check(house: &House<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let places = house.of_crate("src/lib.rs").chain(house.of_crate("src/main.rs"));
    for (source, place) in places {
        // The two roots name every room and hold nothing of their own.
        let Some(name) = place.module.first() else { continue };
        let Some(room) = ROOMS.iter().find(|room| room.name == name) else {
            let say = format!(
                "`{name}` is no room of the house: put it where it belongs in DESIGN §2 and in tests/tidy/walls.rs"
            );
            findings.push(Finding::new(source.path(), 1, say));
            continue;
        };
        for named in paths(source) {
            let Some(used) = named.absolute(source, place, "watchkeeper") else { continue };
            let text = named.text();
            let say = match used.first().map(String::as_str) {
                Some(used) if used == name || used == "core" || room.knows.contains(&used) => continue,
                Some(used) if ROOMS.iter().any(|room| room.name == used) => {
                    format!("`{name}` must not know `{used}` (`{text}`): {}", room.why)
                }
                _ => format!(
                    "`{text}` takes a name from the crate's root, which hides its room: name the room"
                ),
            };
            findings.push(Finding::new(source.path(), named.line, say));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::bad_trees::{reported, silent};
    use super::ROOMS;

    /// A tree with two rooms; the first uses the second.
    fn uses(from: &str, to: &str) -> Vec<(String, String)> {
        let mods: String =
            if from == to { format!("mod {from};\n") } else { format!("mod {from};\nmod {to};\n") };
        vec![
            ("src/lib.rs".to_owned(), format!("//! The map.\n{mods}")),
            (format!("src/{to}/mod.rs"), "//! A room.\n".to_owned()),
            (format!("src/{from}/mod.rs"), format!("//! A room.\nuse crate::{{core::ids, {to}::Thing}};\n")),
        ]
    }

    fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect()
    }

    #[test]
    fn every_arrow_that_design_does_not_draw_is_reported() {
        let rooms: Vec<_> = ROOMS.iter().map(|room| room.name).collect();
        let shells = ["probe", "step", "store", "coord", "chronicle", "notify", "api"];
        for from in &rooms {
            for to in &rooms {
                let drawn = from == to
                    || (*to == "config")
                    || (["coord", "chronicle"].contains(from) && *to == "store")
                    || (["notify", "api"].contains(from) && *to == "chronicle")
                    || (*from == "step" && *to == "probe")
                    || (*from == "daemon" && shells.contains(to))
                    || (*from == "demo" && *to == "daemon")
                    || *from == "cli";
                let files = uses(from, to);
                if drawn {
                    silent(&borrowed(&files));
                } else {
                    let (path, say) =
                        (format!("src/{from}/mod.rs"), format!("`{from}` must not know `{to}`"));
                    reported(&borrowed(&files), &[(&path, 2, &say)]);
                }
            }
        }
    }

    #[test]
    fn a_wall_stands_in_code_in_depth_and_in_tests() {
        let root = ("src/lib.rs", "//! The map.\nmod api;\nmod step;\n");
        let step = ("src/step/mod.rs", "//! Steps.\n");
        let say = "`api` must not know `step`";
        let code = "//! The API.\nfn go() {\n    crate::step::run()\n}\n";
        reported(&[root, step, ("src/api/mod.rs", code)], &[("src/api/mod.rs", 3, say)]);
        let tests = "//! The API.\n#[cfg(test)]\nmod tests {\n    use super::super::step;\n}\n";
        reported(&[root, step, ("src/api/mod.rs", tests)], &[("src/api/mod.rs", 4, say)]);
        let deep = ("src/api/deep.rs", "//! Deep.\nuse super::super::step::Run;\n");
        reported(
            &[root, step, ("src/api/mod.rs", "//! The API.\nmod deep;\n"), deep],
            &[("src/api/deep.rs", 2, say)],
        );
    }

    #[test]
    fn a_way_round_the_walls_is_reported() {
        let root = ("src/lib.rs", "//! The map.\nmod api;\n");
        let api = ("src/api/mod.rs", "//! The API.\nuse crate::Run;\nuse watchkeeper_core::ids::Name;\n");
        reported(&[root, api], &[("src/api/mod.rs", 2, "name the room")]);
    }

    #[test]
    fn a_room_that_is_not_on_the_map_is_reported() {
        let root = ("src/lib.rs", "//! The map.\nmod attic;\n");
        reported(
            &[root, ("src/attic/mod.rs", "//! Odds.\n")],
            &[("src/attic/mod.rs", 1, "`attic` is no room")],
        );
    }
}
