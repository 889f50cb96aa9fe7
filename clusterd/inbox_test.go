package clusterd

import (
	"testing"

	"github.com/pando-go/pando/clusterd/internal/core"
)

func TestInboxDropsPacketsNotCommands(t *testing.T) {
	b := newInbox()
	for range packetLimit + 3 {
		b.offer(packet{})
	}
	if !b.put(leave{}) {
		t.Error("put of a command into a full inbox = false, want true")
	}
	if got := len(b.take()); got != packetLimit+1 {
		t.Errorf("items taken = %d, want %d", got, packetLimit+1)
	}
	if got := b.droppedPackets(); got != 3 {
		t.Errorf("dropped = %d, want 3", got)
	}
	b.offer(packet{})
	if got := len(b.take()); got != 1 {
		t.Errorf("items after the drain = %d, want 1", got)
	}
}

func TestInboxClosed(t *testing.T) {
	b := newInbox()
	b.put(command{input: core.Leave{}})
	if got := len(b.close()); got != 1 {
		t.Errorf("items left behind = %d, want 1", got)
	}
	b.offer(packet{})
	if b.put(leave{}) || len(b.take()) != 0 {
		t.Error("a closed inbox still takes items")
	}
}
