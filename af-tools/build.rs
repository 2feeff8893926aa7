//! Migrations are embedded into the binary: build again when one is added or removed.
fn main() {
    println!("cargo::rerun-if-changed=../sql/migrations");
}
