package mailbox

import (
	"testing"
	"unsafe"
)

// TestSize holds what docs/mailboxes.md promises of a million idle actors.
func TestSize(t *testing.T) {
	if got, want := unsafe.Sizeof(Box{}), uintptr(104); got > want {
		t.Errorf("a Box is %d bytes, want at most %d", got, want)
	}
	if got, want := unsafe.Sizeof(alone{}), uintptr(128); got != want {
		t.Errorf("a mailbox of its own is %d bytes, want %d, two cache lines", got, want)
	}
	if got, want := unsafe.Offsetof(Box{}.invoker), uintptr(64); got != want {
		t.Errorf("the runner's part begins at %d, want %d, its own cache line", got, want)
	}
	if got, want := unsafe.Sizeof(shortChunk{}), uintptr(512); got > want || got+16 <= want {
		t.Errorf("a chunk is %d bytes, want %d or a little less, a size class of the allocator", got, want)
	}
	if got, want := unsafe.Sizeof(longChunk{})+8, uintptr(4096); got > want || got+16 <= want {
		t.Errorf("a long chunk is %d bytes, want %d or a little less, a size class of the allocator", got, want)
	}
}
