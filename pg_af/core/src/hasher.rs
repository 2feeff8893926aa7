//! Canonical text, hashed as it is written.

use crate::canonical::Canonicalizer;
use crate::digest::{Digest, HashSink};

/// Hashes one text after the other, keeping its scratch space from one to the next: nothing is allocated for a text once
/// that has grown.
pub(crate) struct Hasher {
    canonicalizer: Canonicalizer,
    sink: HashSink,
    text_length: u64,
}

impl Default for Hasher {
    fn default() -> Self {
        Self { canonicalizer: Canonicalizer::default(), sink: HashSink::new(), text_length: 0 }
    }
}

impl Hasher {
    /// The hash of what `write` writes. It returns by how many bytes the JSON in it is longer as PostgreSQL's own text.
    pub(crate) fn hash<E>(
        &mut self,
        write: impl FnOnce(&mut Canonicalizer, &mut HashSink) -> Result<u64, E>,
    ) -> Result<Digest, E> {
        match write(&mut self.canonicalizer, &mut self.sink) {
            Ok(excess) => {
                self.text_length = self.sink.length() + excess;
                Ok(self.sink.finish())
            }
            Err(error) => {
                self.sink.reset();
                Err(error)
            }
        }
    }

    /// The first of `endings` with which the text hashes to `wanted`. What stands before is written and hashed only once.
    pub(crate) fn find_ending<T, E>(
        &mut self,
        begin: impl FnOnce(&mut Canonicalizer, &mut HashSink) -> Result<(), E>,
        mut endings: impl Iterator<Item = T>,
        end: impl Fn(&T, &mut HashSink),
        wanted: Digest,
    ) -> Result<Option<T>, E> {
        let begun = begin(&mut self.canonicalizer, &mut self.sink).map(|()| self.sink.clone());
        self.sink.reset();
        let begun = begun?;
        Ok(endings.find(|ending| {
            self.sink.clone_from(&begun);
            end(ending, &mut self.sink);
            self.sink.finish() == wanted
        }))
    }

    /// How many bytes the text last hashed has at the most, if PostgreSQL writes it.
    pub(crate) fn text_length(&self) -> u64 {
        self.text_length
    }

    /// For writing without hashing.
    pub(crate) fn canonicalizer(&mut self) -> &mut Canonicalizer {
        &mut self.canonicalizer
    }
}

/// Hashes texts two at a time.
pub(crate) struct PairHasher {
    canonicalizer: Canonicalizer,
    sinks: [HashSink; 2],
    /// How many texts are written and not yet hashed: none or one.
    written: usize,
}

impl Default for PairHasher {
    fn default() -> Self {
        Self {
            canonicalizer: Canonicalizer::default(),
            sinks: [HashSink::new(), HashSink::new()],
            written: 0,
        }
    }
}

impl PairHasher {
    /// Takes what `write` writes. Every second time, the hashes of that text and the one before.
    pub(crate) fn push<E>(
        &mut self,
        write: impl FnOnce(&mut Canonicalizer, &mut HashSink) -> Result<(), E>,
    ) -> Result<Option<[Digest; 2]>, E> {
        let sink = &mut self.sinks[self.written];
        if let Err(error) = write(&mut self.canonicalizer, sink) {
            sink.reset();
            return Err(error);
        }
        self.written += 1;
        Ok((self.written == self.sinks.len()).then(|| {
            self.written = 0;
            HashSink::finish_two(&mut self.sinks)
        }))
    }

    /// The hash of the text that has been taken without another, if there is one.
    pub(crate) fn finish(&mut self) -> Option<Digest> {
        (self.written > 0).then(|| {
            self.written = 0;
            self.sinks[0].finish()
        })
    }
}
