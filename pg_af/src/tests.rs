//! What needs a server but only one session: the extension against PostgreSQL's own `jsonb`.

#[pgrx::pg_schema]
mod tests {
    use std::fmt::Write as _;

    use af_core::canonical::{Canonicalizer, Json};
    use pgrx::prelude::*;

    /// A small generator (Numerical Recipes' constants), so that a failure can be repeated.
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % limit
        }

        /// JSON text, many of whose parts are equal values in different spellings.
        fn json(&mut self, depth: u32, out: &mut String) {
            const STRINGS: [&str; 9] = [
                r#""""#,
                r#""a""#,
                r#""\u0061""#,
                r#""é""#,
                r#""😀""#,
                r#""～""#,
                r#""\u0001\n""#,
                r#""\"\\/""#,
                r#""aa""#,
            ];
            match self.below(if depth == 0 { 6 } else { 9 }) {
                0 => out.push_str("null"),
                1 => out.push_str(["true", "false"][self.below(2) as usize]),
                2 => write!(out, "{}", self.below(3)).unwrap(),
                3 => {
                    let (digits, zeros) =
                        (self.below(1 << 31) * self.below(1 << 31) + 1, self.below(4) as usize);
                    let exponent = self.below(60) as i64 - 30;
                    write!(out, "-{digits}{}e{exponent}", "0".repeat(zeros)).unwrap();
                }
                4 => {
                    let (whole, fraction, zeros) = (self.below(3), self.below(3), self.below(3) as usize);
                    write!(out, "{whole}.{fraction}{}", "0".repeat(zeros)).unwrap();
                }
                5 => out.push_str(STRINGS[self.below(9) as usize]),
                6 => {
                    out.push('[');
                    for position in 0..self.below(40) {
                        if position > 0 {
                            out.push(',');
                        }
                        self.json(0, out);
                    }
                    out.push(']');
                }
                _ => {
                    out.push('{');
                    for position in 0..self.below(5) {
                        if position > 0 {
                            out.push(',');
                        }
                        write!(out, "{}:", STRINGS[self.below(9) as usize]).unwrap();
                        self.json(depth - 1, out);
                    }
                    out.push('}');
                }
            }
        }
    }

    fn fill_pool(values: usize) {
        Spi::run("CREATE TEMPORARY TABLE pool (value jsonb NOT NULL)").unwrap();
        let mut random = Random(20_260_102);
        for _ in 0..values {
            let mut text = String::new();
            random.json(3, &mut text);
            Spi::run_with_args("INSERT INTO pool SELECT $1::jsonb", &[text.into()]).unwrap();
        }
    }

    fn count(query: &str) -> i64 {
        Spi::get_one(query).unwrap().unwrap()
    }

    /// The property that makes the form canonical: equal exactly when PostgreSQL says so.
    #[pg_test]
    fn canonical_text_is_equal_exactly_when_jsonb_is() {
        fill_pool(1_500);
        let equal_pairs =
            count("SELECT count(*) FROM pool a, pool b WHERE a.ctid < b.ctid AND a.value = b.value");
        assert!(
            equal_pairs > 100,
            "only {equal_pairs} equal pairs among the values: the test would show nothing"
        );
        let disagreements = count(
            "SELECT count(*) FROM pool a, pool b
             WHERE (a.value = b.value) <> (af_canonical_json(a.value) = af_canonical_json(b.value))",
        );
        assert_eq!(disagreements, 0);
        // Canonical text is JSON for the same value.
        assert_eq!(count("SELECT count(*) FROM pool WHERE af_canonical_json(value)::jsonb <> value"), 0);
    }

    /// What is read from PostgreSQL's bytes is what is read from its text.
    #[pg_test]
    fn bytes_and_text_of_a_stored_value_agree() {
        fill_pool(2_000);
        let mut canonicalizer = Canonicalizer::default();
        let mut rows = 0;
        Spi::connect(|client| {
            for row in
                client.select("SELECT value::text, af_canonical_json(value) FROM pool", None, &[]).unwrap()
            {
                let (text, canonical): (String, String) =
                    (row.get(1).unwrap().unwrap(), row.get(2).unwrap().unwrap());
                let mut from_text = Vec::new();
                canonicalizer.write(Json::Text(text.as_bytes()), &mut from_text).unwrap();
                assert_eq!(String::from_utf8(from_text).unwrap(), canonical, "{text}");
                rows += 1;
            }
        });
        assert_eq!(rows, 2_000);
    }

    /// Values kept out of line and compressed (TOAST) are read like any other.
    #[pg_test]
    fn large_values_are_read_through_toast() {
        Spi::run("CREATE TEMPORARY TABLE large (value jsonb NOT NULL)").unwrap();
        Spi::run(
            "INSERT INTO large
             SELECT jsonb_build_object('z', repeat('x', 100000), 'a', (SELECT jsonb_agg(md5(n::text)) FROM generate_series(1, 5000) n))",
        )
        .unwrap();
        assert!(count("SELECT pg_column_size(value)::bigint FROM large") > 100_000);
        assert_eq!(count("SELECT count(*) FROM large WHERE af_canonical_json(value)::jsonb = value"), 1);
        assert_eq!(count("SELECT length(af_canonical_json(value))::bigint FROM large"), 275_014);
    }

    /// As deep as PostgreSQL itself goes.
    #[pg_test]
    fn deep_values_are_read_without_recursion() {
        Spi::run("SET max_stack_depth = '7MB'").unwrap();
        let same = Spi::get_one::<bool>(
            "SELECT af_canonical_json(nested::jsonb) = nested FROM (SELECT repeat('[', 6000) || repeat(']', 6000)) AS n (nested)",
        );
        assert_eq!(same, Ok(Some(true)));
    }

    /// Numbers to the ends of `numeric`.
    #[pg_test]
    fn numbers_keep_every_digit() {
        for (given, wanted) in [
            ("1e131071", "1".to_owned() + &"0".repeat(131_071)),
            ("1e-16383", "0.".to_owned() + &"0".repeat(16_382) + "1"),
            ("12345678901234567890.123456789", "12345678901234567890.123456789".to_owned()),
            ("-0.0", "0".to_owned()),
            ("10000", "10000".to_owned()),
            ("-10000.0001", "-10000.0001".to_owned()),
        ] {
            let canonical =
                Spi::get_one_with_args::<String>("SELECT af_canonical_json($1::jsonb)", &[given.into()]);
            assert_eq!(canonical, Ok(Some(wanted)), "{given}");
        }
    }

    /// The record in SQL, hashed by PostgreSQL, is the hash that the trigger stored.
    #[pg_test]
    fn postgresql_computes_the_same_hash() {
        Spi::run(include_str!("../../sql/migrations/0001_tenants_and_audits.up.sql")).unwrap();
        Spi::run("INSERT INTO tenants (id, name) VALUES ('00000000-0000-4000-8000-000000000001', 'acme')")
            .unwrap();
        fill_pool(500);
        Spi::run(
            "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type, resource_id, details, ts)
             SELECT '00000000-0000-4000-8000-000000000001', 'user', 'Zoë \"Z\"', 'do', 'thing', nullif(n % 3, 0)::text, value,
                    timestamptz '2026-01-02 03:04:05+00' + n * interval '1.234567 s'
             FROM (SELECT value, row_number() OVER () AS n FROM pool) AS numbered",
        )
        .unwrap();
        let same = count(
            "SELECT count(*) FROM audits
             WHERE hash = sha256(coalesce(prev_hash, '') || convert_to(af_audit_record(hash_version, tenant_id, seq, id,
                       actor_type, actor_id, action, resource_type, resource_id, details, ts), 'UTF8'))
               AND hash = af_audit_hash(prev_hash, hash_version, tenant_id, seq, id,
                       actor_type, actor_id, action, resource_type, resource_id, details, ts)",
        );
        assert_eq!(same, 500);
        assert_eq!(count("SELECT sum(entries)::bigint FROM af_audit_verify() WHERE status = 'ok'"), 500);
    }

    /// A record never ends where a page's header does, but where that page begins.
    #[pg_test]
    fn the_end_of_wal_is_that_of_a_record() {
        const SEGMENT: u64 = 16 << 20;
        let end = |next| crate::durable::end_of_records(next, SEGMENT);
        assert_eq!(end(3 * SEGMENT + 40), 3 * SEGMENT);
        assert_eq!(end(3 * SEGMENT + 48), 3 * SEGMENT + 48);
        assert_eq!(end(3 * SEGMENT + 8192 + 24), 3 * SEGMENT + 8192);
        assert_eq!(end(3 * SEGMENT + 8192 + 40), 3 * SEGMENT + 8192 + 40);
        assert_eq!(end(3 * SEGMENT + 8192), 3 * SEGMENT + 8192);
    }
}
