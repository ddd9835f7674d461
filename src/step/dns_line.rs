//! A connection to an authoritative server, for `dns_update`: unsigned questions, signed updates (RFC 2136, RFC 8945).
//!
//! It goes by TCP, so that nothing is sent twice and nothing outlives the connection. It must never take an unsigned
//! answer for a success, nor show the key.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use hickory_resolver::proto::op::{Message, OpCode, Query, ResponseCode, UpdateMessage};
use hickory_resolver::proto::rr::rdata::tsig::TsigAlgorithm;
use hickory_resolver::proto::rr::{DNSClass, Name, RData, Record, RecordType, TSigner};
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Asked;
use crate::config::secret::Secret;
use crate::core::health::{Blindness, Failure};
use crate::probe::wire::{Wire, broken, connect};
use crate::probe::{Seen, Why};

/// So much is read over one connection.
const MOST: u64 = 1 << 20;
/// How far the server's wall clock may be from ours, in seconds.
const FUDGE: u16 = 300;

pub(crate) struct Line {
    wire: Wire,
}

/// What a server said to an update.
pub(crate) enum Said {
    /// Signed: it was done.
    Done,
    /// What had to hold did not, so nothing was done.
    NotSo(ResponseCode),
    /// It does not let us.
    Refused(ResponseCode),
    /// Whatever else.
    Other(String),
}

/// A part of a zone: all records of a name and a type.
pub(crate) struct Set<'a> {
    pub(crate) name: &'a Name,
    pub(crate) record: RecordType,
    pub(crate) records: &'a [Record],
}

impl Line {
    pub(crate) async fn open(seen: &mut Seen<'_>, host: &str, port: u16) -> Result<Line, Why> {
        let stream = connect(seen, host, port).await?;
        Ok(Line { wire: Wire::plain(stream, MOST).through(seen.gate) })
    }

    /// All records of that name and type; no such name has none.
    pub(crate) async fn ask(&mut self, name: &Name, record: RecordType) -> Result<Vec<Record>, Why> {
        let mut message = Message::query();
        message.metadata.recursion_desired = false;
        message.add_query(Query::query(name.clone(), record));
        let bytes = message.to_vec().map_err(|error| bad(format!("no question can be made: {error}")))?;
        let answer = self.exchange(&bytes).await?;
        let answer =
            Message::from_vec(&answer).map_err(|error| bad(format!("this is no answer: {error}")))?;
        if answer.metadata.id != message.metadata.id {
            return Err(bad("it answers another question".to_owned()));
        }
        match answer.metadata.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain if answer.metadata.authoritative => Ok(answer
                .answers
                .into_iter()
                .filter(|one| one.record_type() == record && one.name == *name)
                .collect()),
            ResponseCode::NoError | ResponseCode::NXDomain => {
                Err(bad("it is no authority for that name".to_owned()))
            }
            code => Err(bad(format!("it answers {code}"))),
        }
    }

    /// One update, all of it or nothing: `were` must be so, and then `become` is.
    pub(crate) async fn update(
        &mut self,
        asked: &Asked<'_>,
        signer: &TSigner,
        zone: &Name,
        were: &[Set<'_>],
        will: &[Set<'_>],
    ) -> Result<Said, Why> {
        let mut message = Message::query();
        message.metadata.op_code = OpCode::Update;
        message.metadata.recursion_desired = false;
        let mut of = Query::query(zone.clone(), RecordType::SOA);
        of.set_query_class(DNSClass::IN);
        message.add_zone(of);
        for set in were {
            if set.records.is_empty() {
                message.add_pre_requisite(whole(set, DNSClass::NONE));
            }
            for record in set.records {
                let mut record = record.clone();
                (record.ttl, record.dns_class) = (0, DNSClass::IN);
                message.add_pre_requisite(record);
            }
        }
        for set in will {
            message.add_update(whole(set, DNSClass::ANY));
            set.records.iter().for_each(|record| message.add_update(record.clone()));
        }
        let now = asked.kit.reach.now().wall.as_micros() / 1_000_000;
        let verifier = message.finalize(signer, now).map_err(|_| ours("the update cannot be signed"))?;
        let bytes = message.to_vec().map_err(|error| bad(format!("no update can be made: {error}")))?;
        asked.gate.arm();
        let answer = self.exchange(&bytes).await?;
        let read = Message::from_vec(&answer).map_err(|error| bad(format!("this is no answer: {error}")))?;
        if read.metadata.id != message.metadata.id {
            return Err(bad("it answers another question".to_owned()));
        }
        let code = read.metadata.response_code;
        let signed = verifier.is_some_and(|mut verifier| verifier.verify(&answer).is_ok());
        Ok(match code {
            ResponseCode::NoError if signed => Said::Done,
            ResponseCode::NoError => Said::Other("its answer is not signed with our key".to_owned()),
            ResponseCode::NXRRSet
            | ResponseCode::YXRRSet
            | ResponseCode::NXDomain
            | ResponseCode::YXDomain
                if signed =>
            {
                Said::NotSo(code)
            }
            // Who does not know our key cannot sign with it.
            ResponseCode::Refused
            | ResponseCode::NotAuth
            | ResponseCode::NotZone
            | ResponseCode::FormErr
            | ResponseCode::NotImp => Said::Refused(code),
            code => Said::Other(format!("it answers {code}")),
        })
    }

    async fn exchange(&mut self, message: &[u8]) -> Result<Vec<u8>, Why> {
        let length = u16::try_from(message.len()).map_err(|_| ours("the update is too long"))?;
        let mut whole = length.to_be_bytes().to_vec();
        whole.extend_from_slice(message);
        let exchanged = async {
            self.wire.write_all(&whole).await?;
            self.wire.flush().await?;
            let length = self.wire.read_u16().await?;
            let mut answer = vec![0; usize::from(length)];
            self.wire.read_exact(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        exchanged.await.map_err(|error| broken(&error))
    }
}

fn whole(set: &Set<'_>, class: DNSClass) -> Record {
    let mut record = Record::update0(set.name.clone(), 0, set.record);
    record.dns_class = class;
    record.data = RData::Update0(set.record);
    record
}

fn bad(detail: String) -> Why {
    Why::Failed(Failure::BadAnswer, detail)
}

fn ours(detail: &str) -> Why {
    Why::Blind(Blindness::Secret, detail.to_owned())
}

/// `[algorithm:]name:key`, as nsupdate takes it, or what tsig-keygen writes.
pub(crate) fn signer(secret: &Secret) -> Result<TSigner, Why> {
    let text = secret.read().map_err(|why| ours(&why.to_string()))?;
    parse(text.expose_secret()).ok_or_else(|| {
        ours(&format!(
            "{secret} is no TSIG key: write `hmac-sha256:NAME:KEY`, or what tsig-keygen prints (hmac-sha256, -384, -512)"
        ))
    })
}

fn parse(text: &str) -> Option<TSigner> {
    let (algorithm, name, key) = match text.trim_start().strip_prefix("key") {
        Some(rest) if rest.trim_start().starts_with('"') => {
            let mut words = rest.split('"');
            let name = words.nth(1)?;
            let inner = rest.split_once('{')?.1;
            let after =
                |word: &str| Some(inner.split_once(word)?.1.split(';').next()?.trim().trim_matches('"'));
            (after("algorithm")?, name, after("secret")?)
        }
        _ => {
            let parts: Vec<&str> = text.trim().split(':').collect();
            match parts.as_slice() {
                [algorithm, name, key] => (*algorithm, *name, *key),
                [name, key] => ("hmac-sha256", *name, *key),
                _ => return None,
            }
        }
    };
    let algorithm = match algorithm.to_ascii_lowercase().as_str() {
        "hmac-sha256" => TsigAlgorithm::HmacSha256,
        "hmac-sha384" => TsigAlgorithm::HmacSha384,
        "hmac-sha512" => TsigAlgorithm::HmacSha512,
        _ => return None,
    };
    TSigner::new(base64(key)?, algorithm, Name::from_ascii(name).ok()?, FUDGE).ok()
}

/// Keys are written with padding and without, and some tools leave bits over.
const KEYS: GeneralPurpose = GeneralPurpose::new(&STANDARD, NO_PAD.with_decode_allow_trailing_bits(true));

/// One that is empty is none.
fn base64(text: &str) -> Option<Vec<u8>> {
    let bytes = KEYS.decode(text.trim_end_matches('=')).ok()?;
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written_elsewhere() {
        assert_eq!(base64("Zm9vYmFy").as_deref(), Some(&b"foobar"[..]));
        assert_eq!(base64("Zm9vYg==").as_deref(), Some(&b"foob"[..]));
        assert_eq!(base64("Zm9v*"), None);
        for text in [
            "hmac-sha256:wk.key:Zm9vYmFy",
            "wk.key:Zm9vYmFy",
            "key \"wk.key\" {\n\talgorithm hmac-sha256;\n\tsecret \"Zm9vYmFy\";\n};\n",
        ] {
            let signer = parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(signer.key(), b"foobar");
            assert_eq!(signer.signer_name().to_string(), "wk.key.");
        }
        for text in ["", "x", "hmac-md5:a:Zm9v", "key \"a\" { }", "a:b:c:d"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
