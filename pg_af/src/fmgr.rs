//! PostgreSQL's function manager: C functions, and what they keep from one call to the next.

use pgrx::PgMemoryContexts;
use pgrx::pg_sys;

/// What a function keeps for all its calls at one place of a statement; made anew when `fits` says so.
///
/// # Safety
/// `flinfo` is that of a call, and valid for `'call`, during which this is called once. Each function always asks for the
/// same `T`.
pub(crate) unsafe fn kept<'call, T, E>(
    flinfo: *mut pg_sys::FmgrInfo,
    fits: impl FnOnce(&T) -> bool,
    make: impl FnOnce() -> Result<T, E>,
) -> Result<&'call mut T, E> {
    // SAFETY: flinfo is valid; its fn_extra is the called function's alone (fmgr.h), null before the first call, and
    // what is put there, always of one type, lives as long as fn_mcxt, in which it is registered. The reference is the
    // only one during the call, as the caller promises.
    unsafe {
        let kept = (*flinfo).fn_extra.cast::<T>();
        if !kept.is_null() && fits(&*kept) {
            return Ok(&mut *kept);
        }
        let kept = PgMemoryContexts::For((*flinfo).fn_mcxt).leak_and_drop_on_delete(make()?);
        (*flinfo).fn_extra = kept.cast();
        Ok(&mut *kept)
    }
}

/// The schema of the called function, quoted: where the extension's other objects are, whatever the search_path.
///
/// # Safety
/// `fcinfo` is that of a call of one of the extension's functions.
pub(crate) unsafe fn own_schema(fcinfo: pg_sys::FunctionCallInfo) -> String {
    // SAFETY: as the caller promises; a function that is running is in the catalog, and so is its schema, whose name is
    // a string in the current memory context.
    unsafe {
        let namespace = pg_sys::get_func_namespace((*(*fcinfo).flinfo).fn_oid);
        let name = std::ffi::CStr::from_ptr(pg_sys::get_namespace_name(namespace));
        pgrx::spi::quote_identifier(name.to_string_lossy())
    }
}

/// Announces a function to PostgreSQL's function manager, as PG_FUNCTION_INFO_V1 does in C.
macro_rules! function_info {
    ($name:ident) => {
        #[unsafe(no_mangle)]
        #[doc(hidden)]
        extern "C" fn $name() -> &'static ::pgrx::pg_sys::Pg_finfo_record {
            const INFO: ::pgrx::pg_sys::Pg_finfo_record = ::pgrx::pg_sys::Pg_finfo_record { api_version: 1 };
            &INFO
        }
    };
}
pub(crate) use function_info;
