//go:build unix

package main

import (
	"context"
	"fmt"
	"syscall"
	"testing"

	"github.com/pando-go/pando/examples/internal/proctest"
)

// A node stands still for so long that the others remove it. It finds that out
// when it runs again, and comes back as a new member in the same process.
func TestSystemRemovedNodeRejoins(t *testing.T) {
	proctest.Skip(t)
	t.Parallel()
	g := newGrove(t, 3)
	for i := range 3 {
		g.start(i)
	}
	id := g.agree(upTime, 0, 1, 2)
	before, err := g.members(2)
	if err != nil {
		t.Fatal(err)
	}
	frozen := g.nodes[2].Cmd.Process
	if err := frozen.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = frozen.Signal(syscall.SIGCONT) })
	g.agree(lossTime, 0, 1)
	if err := frozen.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	proctest.Eventually(t, lossTime, func() error {
		got, err := g.agreed(0, 1, 2)
		if err != nil {
			return err
		}
		after, err := g.members(2)
		if err == nil && uidOf(after, g.listen[2]) == uidOf(before, g.listen[2]) {
			return fmt.Errorf("%s still has its former UID", g.listen[2])
		}
		if err == nil && got != id {
			t.Fatalf("got cluster %s, want %s", got, id)
		}
		return err
	})
	ctx, cancel := context.WithTimeout(t.Context(), upTime)
	defer cancel()
	k := newTalker(g.http[2], "after", "ada")
	ended := make(chan error, 1)
	go func() { ended <- k.client.run(ctx) }()
	if err := k.talk(ctx, 3); err != nil {
		t.Errorf("a user at the node that came back: %v", err)
	}
	cancel()
	<-ended
}
