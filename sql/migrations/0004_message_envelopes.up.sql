-- From here on a message is stored only if its envelope_hash is the hash of its envelope. What is stored already is not
-- looked at: SELECT * FROM af_message_verify() does that.

-- BEFORE triggers fire in order of name, and what a later one changes would not be what was checked: hence the zz.
CREATE TRIGGER zz_af_envelope_check
    BEFORE INSERT ON messages
    FOR EACH ROW EXECUTE FUNCTION af_envelope_check();

-- ALWAYS: as on audits.
ALTER TABLE messages ENABLE ALWAYS TRIGGER zz_af_envelope_check;
