//! PostgreSQL's function manager: C functions.

use pgrx::pg_sys;

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
