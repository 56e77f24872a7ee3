use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};

/// An allocator for instances that live for one call: memory is handed out in a row, and what was handed out last can
/// grow, shrink and be given back. What lies before it is not used again. When the arena is full the system's allocator
/// goes on, so that a call with long texts is no different but for its speed.
///
/// The arena is part of the memory that an instance begins with. The system's allocator would ask for more at once, and
/// for a call that takes some microseconds that is the costliest thing it does.
pub(crate) struct Arena<const BYTES: usize> {
    memory: UnsafeCell<[u8; BYTES]>,
    /// How much of it is handed out, or lies between what is.
    used: Cell<usize>,
}

// SAFETY: it is made where there are no threads, see `lib.rs`.
unsafe impl<const BYTES: usize> Sync for Arena<BYTES> {}

impl<const BYTES: usize> Arena<BYTES> {
    pub(crate) const fn new() -> Arena<BYTES> {
        Arena { memory: UnsafeCell::new([0; BYTES]), used: Cell::new(0) }
    }

    /// Where in the arena an address is; none where it is the system's.
    fn offset(&self, at: *mut u8) -> Option<usize> {
        let offset = at.addr().wrapping_sub(self.memory.get().addr());
        (offset < BYTES).then_some(offset)
    }

    /// Where the next bytes of this layout begin, and what is used then; none where they do not fit.
    fn next(&self, layout: Layout) -> Option<(usize, usize)> {
        let base = self.memory.get().addr();
        let start = base.checked_add(self.used.get())?.checked_next_multiple_of(layout.align())? - base;
        let end = start.checked_add(layout.size())?;
        (end <= BYTES).then_some((start, end))
    }
}

// SAFETY: bytes in use never overlap, since `used` is behind all of them; and each is given back to whom it came from.
unsafe impl<const BYTES: usize> GlobalAlloc for Arena<BYTES> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((start, end)) = self.next(layout) else {
            // SAFETY: as our caller promises.
            return unsafe { System.alloc(layout) };
        };
        self.used.set(end);
        // SAFETY: `start` is within the arena.
        unsafe { self.memory.get().cast::<u8>().add(start) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        match self.offset(at) {
            Some(start) if start + layout.size() == self.used.get() => self.used.set(start),
            Some(_) => {}
            // SAFETY: as our caller promises, and it is not ours.
            None => unsafe { System.dealloc(at, layout) },
        }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(start) = self.offset(at) else {
            // SAFETY: as our caller promises, and it is not ours.
            return unsafe { System.realloc(at, layout, size) };
        };
        if start + layout.size() == self.used.get() && size <= BYTES - start {
            self.used.set(start + size);
            return at;
        }
        if size <= layout.size() {
            return at;
        }
        // SAFETY: our caller promises that the size is not too large for the alignment, and `at` valid for its layout;
        // what is new is longer, and does not overlap.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                new.copy_from_nonoverlapping(at, layout.size());
            }
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORD: Layout = Layout::new::<u64>();

    fn bytes(count: usize) -> Layout {
        Layout::from_size_align(count, 1).expect("a layout")
    }

    #[test]
    fn what_was_handed_out_last_can_be_given_back_and_grow() {
        let arena = Arena::<64>::new();
        // SAFETY: each is used as it was handed out.
        unsafe {
            let first = arena.alloc(bytes(8));
            let last = arena.alloc(bytes(8));
            assert_eq!(last, first.add(8));
            assert_eq!(arena.realloc(last, bytes(8), 56), last, "up to the end");
            assert_eq!(arena.realloc(last, bytes(56), 4), last);
            assert_eq!(arena.alloc(bytes(1)), last.add(4), "the rest is free again");
            arena.dealloc(last.add(4), bytes(1));
            arena.dealloc(last, bytes(4));
            arena.dealloc(first, bytes(8));
            assert_eq!(arena.used.get(), 0);
        }
    }

    #[test]
    fn what_lies_before_it_moves_when_it_grows_and_is_not_used_again() {
        let arena = Arena::<64>::new();
        // SAFETY: as above.
        unsafe {
            let first = arena.alloc(bytes(3));
            first.copy_from_nonoverlapping(b"abc".as_ptr(), 3);
            let second = arena.alloc(bytes(1));
            assert_eq!(arena.realloc(first, bytes(3), 2), first, "it may shrink where it is");
            let moved = arena.realloc(first, bytes(2), 5);
            assert_eq!(moved, second.add(1));
            assert_eq!(std::slice::from_raw_parts(moved, 2), b"ab");
            arena.dealloc(second, bytes(1));
            assert_eq!(arena.alloc(bytes(1)), moved.add(5));
        }
    }

    #[test]
    fn words_are_aligned() {
        let arena = Arena::<64>::new();
        // SAFETY: as above.
        unsafe {
            arena.alloc(bytes(1));
            assert_eq!(arena.alloc(WORD).addr() % WORD.align(), 0);
        }
    }

    #[test]
    fn the_systems_allocator_goes_on_where_it_is_full() {
        let arena = Arena::<64>::new();
        // SAFETY: as above.
        unsafe {
            let ours = arena.alloc(bytes(60));
            let systems = arena.alloc(bytes(5));
            assert!(arena.offset(ours).is_some() && arena.offset(systems).is_none());
            ours.write_bytes(7, 60);
            let moved = arena.realloc(ours, bytes(60), 100);
            assert!(arena.offset(moved).is_none());
            assert_eq!(std::slice::from_raw_parts(moved, 60), [7; 60]);
            let moved = arena.realloc(moved, bytes(100), 200);
            arena.dealloc(moved, bytes(200));
            arena.dealloc(systems, bytes(5));
            assert_eq!(arena.used.get(), 60, "what was given back to the system was not the arena's");
        }
    }
}
