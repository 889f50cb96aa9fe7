package remote

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
)

// succeed makes a node come back in the same process under another UID.
func (c *cluster) succeed(n *node, uid uint64) {
	c.t.Helper()
	n.close()
	n.node.UID = uid
	ln, err := c.Listen(n.node.Address)
	if err != nil {
		c.t.Fatal(err)
	}
	if n.r, err = n.r.Succeed(ln); err != nil {
		c.t.Fatal(err)
	}
}

// PIDs that were used before keep working, in both directions, and the other
// side sees a new incarnation.
func TestSucceed(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		there, back := b.pid("box/x"), a.pid("box/y")
		a.tell(there, "one")
		b.tell(back, "eins")
		time.Sleep(time.Second)
		for uid := uint64(11); uid < 14; uid++ {
			c.succeed(a, uid)
			seen := b.handle("s")
			a.r.Post(Node{Address: "b:1"}, "s", []byte("hi"))
			a.tell(there, "again")
			time.Sleep(time.Second)
			b.tell(back, "wieder") // what was sent before b knew of the new incarnation was for the old one
			time.Sleep(time.Second)
			got, _ := seen.take()
			wantTexts(t, "control", got, fmt.Sprintf("a:1#%d hi", uid))
		}
		wantTexts(t, "there", b.texts("box/x"), "one", "again", "again", "again")
		wantTexts(t, "back", a.texts("box/y"), "eins", "wieder", "wieder", "wieder")
	})
}

// Whatever tied local actors to other nodes ends with the old incarnation.
func TestSucceedEndsWatchesAndAsks(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		_, target := b.watcher("target")
		w, _ := a.watcher("w", target)
		time.Sleep(time.Second)
		c.succeed(a, 11)
		synctest.Wait()
		wantTexts(t, "watcher", w.take(), "b:1/target "+pa.TerminatedReason_AddressTerminated.String())
		if len(a.removed) != 1 || a.removed[0] != (Node{"b:1", 2}) {
			t.Errorf("asks ended for %v, want b:1 with UID 2", a.removed)
		}
		again, _ := a.watcher("again", target)
		time.Sleep(time.Second)
		b.proto.Root.Stop(target)
		time.Sleep(time.Second)
		wantTexts(t, "second watcher", again.take(), "b:1/target "+pa.TerminatedReason_Stopped.String())
	})
}

func TestSucceedRefuses(t *testing.T) {
	bubble(t, func(c *cluster) {
		a := c.start("a:1", 5)
		if _, err := a.r.Succeed(a.r.ln); !errors.Is(err, errOpen) {
			t.Errorf("before Close: got %v, want %v", err, errOpen)
		}
		if err := a.r.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		var stale *IncarnationError
		if _, err := a.r.Succeed(a.r.ln); !errors.As(err, &stale) {
			t.Errorf("with the same UID: got %v, want an *IncarnationError", err)
		}
	})
}
