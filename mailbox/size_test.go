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
	if got, want := unsafe.Sizeof(chunk{}), uintptr(1024); got != want {
		t.Errorf("a chunk is %d bytes, want %d, a size class of the allocator", got, want)
	}
}
