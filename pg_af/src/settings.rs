//! The settings, which PostgreSQL knows as soon as the library is loaded.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};
use pgrx::pg_sys;

/// Whether a chain's lock is released before the commit is flushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PostgresGucEnum)]
pub(crate) enum EarlyRelease {
    /// Unless commits wait for synchronous standbys.
    #[name = c"auto"]
    Auto,
    /// Also where they do.
    #[name = c"on"]
    On,
    /// Never.
    #[name = c"off"]
    Off,
}

static EARLY_RELEASE: GucSetting<EarlyRelease> = GucSetting::<EarlyRelease>::new(EarlyRelease::Auto);

/// Announces the settings to PostgreSQL, and that other names with their prefix are mistakes.
pub(crate) fn define() {
    // For superusers, and whoever they grant it to: the setting of one session decides what others see before it is
    // durable, and how long others wait.
    GucRegistry::define_enum_guc(
        c"pg_af.early_release",
        c"Lets the next writer of a chain go on before the commit is flushed.",
        c"A commit is acknowledged when it is durable, as always. \"auto\" is on unless synchronous_standby_names is set.",
        &EARLY_RELEASE,
        GucContext::Suset,
        GucFlags::empty(),
    );
    // SAFETY: the name is a C string, which PostgreSQL copies.
    unsafe {
        #[cfg(feature = "pg14")]
        pg_sys::EmitWarningsOnPlaceholders(c"pg_af".as_ptr());
        #[cfg(not(feature = "pg14"))]
        pg_sys::MarkGUCPrefixReserved(c"pg_af".as_ptr());
    }
}

/// What `pg_af.early_release` says.
pub(crate) fn early_release() -> EarlyRelease {
    EARLY_RELEASE.get()
}

/// Whether commits wait for standbys, as PostgreSQL decides it: `synchronous_standby_names` is set, and there may be
/// senders (otherwise nobody waits, and a standby could never confirm anything).
pub(crate) fn has_synchronous_standbys() -> bool {
    // SAFETY: the settings' values, of which one is null or a C string, change only where this backend reads its
    // configuration.
    unsafe {
        pg_sys::max_wal_senders > 0
            && !pg_sys::SyncRepStandbyNames.is_null()
            && *pg_sys::SyncRepStandbyNames != 0
    }
}
