package engine

import (
	"testing"
	"time"
)

func TestThreeNodesJoin(t *testing.T) {
	p := newPump(t, 1)
	p.found("b")
	p.run(time.Second)
	p.join("a", "b")
	took := p.wantUp(time.Second, "a", "b")
	t.Log("second node up after", took)
	p.join("c", "b")
	took = p.wantUp(time.Second, "a", "b", "c")
	t.Log("third node up after", took)
}
