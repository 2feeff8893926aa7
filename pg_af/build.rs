//! Keeps the section in which pgrx describes the SQL objects; the linker would drop it as unused. cargo-pgrx can pass
//! the flag itself, but to every crate, so that all of them are built apart from other builds.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |key| std::env::var(key).unwrap_or_default();
    if target("CARGO_CFG_TARGET_FAMILY") == "unix" && target("CARGO_CFG_TARGET_OS") != "macos" {
        println!("cargo::rustc-link-arg-cdylib=-Wl,--no-gc-sections");
    }
}
