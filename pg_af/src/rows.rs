//! The rows of a query, one by one as the executor comes upon them.
//!
//! `Spi::connect` would copy each of them first, and a cursor would start the executor anew for each batch.

use std::ffi::CString;

use pgrx::spi::SpiErrorCodes;
use pgrx::{PgMemoryContexts, Spi, check_for_interrupts, pg_guard, pg_sys};

use crate::error::Error;
use crate::tuple::{Column, Columns, Row, Values};

/// Runs `query`, which selects the columns `C` in their order, in the snapshot of the running statement and with the
/// rights of its user; `take` is called for each row.
///
/// It is planned as for a cursor, so that an index that gives the wanted order is preferred to a sort.
pub(crate) fn for_each<C: Column>(query: &str, mut take: impl FnMut(Row<'_, C>)) -> Result<(), Error> {
    // No name in PostgreSQL has a null byte in it.
    let query = CString::new(query).map_err(|_| Error::Spi(SpiErrorCodes::Argument.into()))?;
    let columns = Columns::<C>::in_order();
    let mut values = Values::with_width(C::ALL.len());
    let mut row_memory = PgMemoryContexts::new("pg_af row");
    let mut take_slot = |slot: *mut pg_sys::TupleTableSlot| {
        check_for_interrupts!();
        // SAFETY: the slot holds a row of the query, with the columns that it selects, and stays as it is during this
        // call. What is detoasted goes into the row's own memory, to which nobody refers when it is emptied.
        unsafe {
            values.take(slot);
            row_memory.switch_to(|_| take(values.row(&columns)));
            if !(*row_memory.value()).isReset {
                row_memory.reset();
            }
        }
    };
    let mut receiver = Receiver {
        base: pg_sys::DestReceiver {
            receiveSlot: Some(receive),
            rStartup: Some(start),
            rShutdown: Some(end),
            rDestroy: Some(end),
            mydest: pg_sys::CommandDest::DestTuplestore,
        },
        take: &mut take_slot,
    };
    let status = Spi::connect(|_| {
        // SAFETY: SPI is connected; the query is a string that ends in a null byte and takes no arguments. The receiver
        // and what it calls outlive the execution; its first field is what PostgreSQL knows it by.
        unsafe {
            let options = pg_sys::CURSOR_OPT_FAST_PLAN | pg_sys::CURSOR_OPT_NO_SCROLL;
            let plan = pg_sys::SPI_prepare_cursor(query.as_ptr(), 0, std::ptr::null_mut(), options as i32);
            if plan.is_null() {
                return pg_sys::SPI_result;
            }
            let options = pg_sys::SPIExecuteOptions {
                read_only: true,
                dest: (&raw mut receiver).cast(),
                ..Default::default()
            };
            pg_sys::SPI_execute_plan_extended(plan, &options)
        }
    });
    Spi::check_status(status).map(|_| ()).map_err(Error::Spi)
}

/// What PostgreSQL hands rows to.
#[repr(C)]
struct Receiver<'a> {
    base: pg_sys::DestReceiver,
    take: &'a mut dyn FnMut(*mut pg_sys::TupleTableSlot),
}

#[pg_guard]
unsafe extern "C-unwind" fn receive(
    slot: *mut pg_sys::TupleTableSlot,
    receiver: *mut pg_sys::DestReceiver,
) -> bool {
    // SAFETY: PostgreSQL calls this with the receiver that it was given, which is a `Receiver` (`for_each`).
    unsafe { ((*receiver.cast::<Receiver<'_>>()).take)(slot) };
    true
}

// Nothing to be done, and nothing that could panic.
unsafe extern "C-unwind" fn start(_: *mut pg_sys::DestReceiver, _: i32, _: pg_sys::TupleDesc) {}
unsafe extern "C-unwind" fn end(_: *mut pg_sys::DestReceiver) {}
