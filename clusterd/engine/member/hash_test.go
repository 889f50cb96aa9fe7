package member

import "testing"

// TestHash: two records with one content have one hash, and a copy that is
// written to has a hash of its own.
func TestHash(t *testing.T) {
	r := Record{Node: Node{Address: "a:1", UID: 7}, Accepted: 3}
	hash := r.Hash()
	same := Record{Node: r.Node, Accepted: 3}
	if got := same.Hash(); hash == 0 || got != hash {
		t.Errorf("the same content: got %x, want %x", got, hash)
	}
	other := r
	other.Weakly = true
	if got := other.Hash(); got == hash {
		t.Errorf("a copy that was written to: got the hash %x of the original", got)
	}
	if got := r.Hash(); got != hash {
		t.Errorf("asked again: got %x, want %x", got, hash)
	}
}
