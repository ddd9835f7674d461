//! The newest token that something of the toy has seen: whoever comes with an older one changes nothing. It never judges
//! who may come, only who is late.

/// Epoch and serial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark(u64, u64);

/// Why a token does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// There is none, or it is none.
    None,
    /// A newer one was seen.
    Older,
}

impl Mark {
    /// Takes a token as `CLUSTER.EPOCH.SERIAL` for the newest, unless a newer one was seen.
    pub(super) fn raise(&mut self, token: Option<&str>) -> Result<(), Late> {
        let mut parts = token.ok_or(Late::None)?.split('.').skip(1).map(str::parse::<u64>);
        let (Some(Ok(epoch)), Some(Ok(serial)), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Late::None);
        };
        let new = Mark(epoch, serial);
        if new < *self {
            return Err(Late::Older);
        }
        *self = new;
        Ok(())
    }
}

impl Late {
    /// As an answer over HTTP.
    pub(super) fn refused(self) -> (u16, serde_json::Value) {
        match self {
            Late::None => (400, serde_json::json!({ "why": "this changes something: bring a token" })),
            Late::Older => (409, serde_json::json!({ "why": "a newer token was here" })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_token_changes_nothing() {
        let mut mark = Mark::default();
        assert_eq!(mark.raise(None), Err(Late::None));
        assert_eq!(mark.raise(Some("nonsense")), Err(Late::None));
        assert_eq!(mark.raise(Some("00ff.2.7")), Ok(()));
        assert_eq!(mark.raise(Some("00ff.2.7")), Ok(()), "the same may come again");
        assert_eq!(mark.raise(Some("00ff.2.6")), Err(Late::Older));
        assert_eq!(mark.raise(Some("00ff.1.9")), Err(Late::Older));
        assert_eq!(mark.raise(Some("00ff.3.1")), Ok(()));
    }
}
